import { join } from "node:path";
import { type Appliance, applianceAddress } from "./appliances.ts";
import type { Program } from "./child.ts";
import type { Directory } from "./directory.ts";
import type { PairFiles } from "./trust.ts";

const root = join(import.meta.dirname, "..");

export function applianceProgram(
  { logs }: Directory,
  appliance: Appliance,
  { certificateFile, keyFile }: PairFiles,
): Program {
  const listen = ["--listen", applianceAddress(appliance)];
  return {
    name: `simulated appliance ${appliance.source}`,
    script: join(root, "local", "appliance", "main.ts"),
    args: [...listen, "--certificate", certificateFile, "--key", keyFile],
    logFile: join(logs, `appliance-${appliance.source}.log`),
  };
}

export function gatewayProgram({ logs, gatewayConfig }: Directory): Program {
  return {
    name: "gateway",
    script: join(root, "gateway", "main.ts"),
    args: ["--config", gatewayConfig],
    logFile: join(logs, "gateway.log"),
  };
}

export function collectorProgram({ logs, collectorConfig }: Directory): Program {
  return {
    name: "collector",
    script: join(root, "collector", "main.ts"),
    args: ["--config", collectorConfig],
    logFile: join(logs, "collector.log"),
  };
}
