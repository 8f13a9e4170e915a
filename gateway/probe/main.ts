import { readFile } from "node:fs/promises";
import { ConfigError } from "../../common/errors.ts";
import { systemScheduler } from "../../common/scheduler.ts";
import { parseProbeArguments } from "./arguments.ts";
import { runProbe } from "./run.ts";

/** What the pods of the one-way check run: docs/one-way.md. It reads no config and no secret. */
const stopping = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => stopping.abort());
try {
  await runProbe(parseProbeArguments(process.argv.slice(2)), {
    surroundings: {
      resolvConf: await readFile("/etc/resolv.conf", "utf8").catch(() => ""),
      env: process.env,
    },
    scheduler: systemScheduler,
    signal: stopping.signal,
  });
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof ConfigError ? 2 : 1;
}
