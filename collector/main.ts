import { loadConfig } from "../common/config/load.ts";
import { createLogger } from "../common/log/logger.ts";
import { parseProgramArguments } from "../common/programArguments.ts";
import { runUntilSignal } from "../common/shutdown.ts";
import { printCheck } from "./check/check.ts";
import { startCollector } from "./collector.ts";
import { collectorConfig } from "./config.ts";

const checkText = "try the keys, the certificates, each source and each gateway, and exit";

await runUntilSignal(createLogger("collector", "info"), async () => {
  const args = process.argv.slice(2);
  const { config: path, switches } = parseProgramArguments("collector", args, { check: checkText });
  const config = await loadConfig(collectorConfig, path);
  if (switches.has("check")) process.exit(await printCheck(config));
  return startCollector(config, { log: createLogger("collector", config.log_level) });
});
