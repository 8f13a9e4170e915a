import { loadConfig } from "../common/config/load.ts";
import { createLogger } from "../common/log/logger.ts";
import { parseProgramArguments } from "../common/programArguments.ts";
import { runUntilSignal } from "../common/shutdown.ts";
import { startCollector } from "./collector.ts";
import { collectorConfig } from "./config.ts";

await runUntilSignal(createLogger("collector", "info"), async () => {
  const path = parseProgramArguments("collector", process.argv.slice(2));
  const config = await loadConfig(collectorConfig, path);
  return startCollector(config, { log: createLogger("collector", config.log_level) });
});
