import { createLogger } from "../../common/log/logger.ts";
import { systemScheduler } from "../../common/scheduler.ts";
import { runUntilSignal } from "../../common/shutdown.ts";
import { inClusterCredentials } from "../../operator/api/credentials.ts";
import { bootClock } from "../../operator/boot.ts";
import { loadOperatorConfig } from "../../operator/config.ts";
import { podManagement } from "../../operator/gateways/reports.ts";
import { startOperator } from "../../operator/operator.ts";

/**
 * The operator as it runs in a pod, where it reads its ServiceAccount's files and loads no
 * Kubernetes client library; those files are in a folder that the first argument names.
 */
const log = createLogger("operator", "info");
const [folder = "", ...args] = process.argv.slice(2);
await runUntilSignal(log, async () => {
  const config = loadOperatorConfig(args, process.env);
  if (config === undefined) throw new Error("is no program for people");
  return startOperator(
    { ...config.options, identity: `bench_${process.pid}` },
    {
      credentials: await inClusterCredentials(process.env, systemScheduler, folder),
      scheduler: systemScheduler,
      log,
      moment: await bootClock(),
      gatewayAddress: podManagement,
      onLost: () => process.exit(1),
    },
  );
});
