import { loadConfig } from "../common/config/load.ts";
import { createLogger } from "../common/log/logger.ts";
import { parseProgramArguments } from "../common/programArguments.ts";
import { runUntilSignal } from "../common/shutdown.ts";
import { startGateway } from "./gateway.ts";
import { gatewayConfig } from "./config.ts";

await runUntilSignal(createLogger("gateway", "info"), async () => {
  const { config: path } = parseProgramArguments("gateway", process.argv.slice(2));
  const config = await loadConfig(gatewayConfig, path, process.env);
  return startGateway(config, { log: createLogger("gateway", config.log_level) });
});
