import { ConfigError } from "./errors.ts";
import type { Logger } from "./log/logger.ts";

/** What starts returns one; whoever started it stops and awaits it. */
export interface Running {
  /** Ends what is under way within the grace period, then the rest; safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Runs a program from start to exit: SIGTERM, SIGINT or the end of the process that launched it
 * stop it; the same signal again ends it at once. Exit codes: 0 stopped, 2 the configuration is
 * wrong, 1 anything else.
 * @param start resolves when the program is up
 */
export async function runUntilSignal(log: Logger, start: () => Promise<Running>): Promise<void> {
  const asked = stopAsked();
  const fail = (error: unknown): never => {
    // Ours, not Node's own report: that one prints messages, which can hold secrets.
    log.error({ error }, "stopped by an error");
    process.exit(1);
  };
  process.on("uncaughtException", fail);
  process.on("unhandledRejection", fail);
  let running: Running;
  try {
    running = await start();
  } catch (error) {
    if (!(error instanceof ConfigError)) return fail(error);
    log.error({ error }, "cannot start");
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
  const reason = await asked;
  log.info({ reason }, "stopping");
  await running.stop();
  log.info("stopped");
  process.exit(0);
}

/** Resolves with what asked the process to stop; asked once more, it exits at once. */
function stopAsked(): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const counts = new Map<string, number>();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      counts.set(signal, (counts.get(signal) ?? 0) + 1);
      if ((counts.get(signal) ?? 0) > 1) process.exit(1);
      resolve(signal);
    });
  }
  // Launched with a channel, a program must not outlive its launcher.
  process.once("disconnect", () => resolve("launcher gone"));
  if (process.connected === false) resolve("launcher gone"); // while this one was loading
  return promise;
}
