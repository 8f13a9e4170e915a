import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { createLogger } from "../common/log/logger.ts";
import { systemScheduler } from "../common/scheduler.ts";
import { runUntilSignal } from "../common/shutdown.ts";
import { inClusterCredentials } from "./api/credentials.ts";
import { kubeconfigCredentials } from "./api/kubeconfig.ts";
import { bootClock } from "./boot.ts";
import { loadOperatorConfig, usage } from "./config.ts";
import { podManagement } from "./gateways/reports.ts";
import { startOperator } from "./operator.ts";

await runUntilSignal(createLogger("operator", "info"), async () => {
  const config = loadOperatorConfig(process.argv.slice(2), process.env);
  if (config === undefined) {
    process.stdout.write(`${usage()}\n`);
    process.exit(0);
  }
  const { kubeconfig, options, logLevel } = config;
  const credentials = await (kubeconfig === undefined
    ? inClusterCredentials(process.env, systemScheduler)
    : kubeconfigCredentials(kubeconfig.path, systemScheduler, kubeconfig.context));
  // A process that starts anew in the same pod is another one.
  const identity = `${hostname().slice(0, 110)}_${randomBytes(8).toString("hex")}`;
  return startOperator(
    { ...options, identity },
    {
      credentials,
      scheduler: systemScheduler,
      log: createLogger("operator", logLevel),
      moment: await bootClock(),
      gatewayAddress: podManagement,
      onLost: () => process.exit(1),
    },
  );
});
