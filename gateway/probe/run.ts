import { writeFile } from "node:fs/promises";
import type { Endpoint } from "../../common/probe/endpoint.ts";
import { reportText } from "../../common/probe/report.ts";
import { pause, type Scheduler } from "../../common/scheduler.ts";
import type { ProbeOptions } from "./arguments.ts";
import { attempt } from "./attempt.ts";
import { findHosts, resolveEndpoint, type Surroundings } from "./hosts.ts";
import { listen } from "./listen.ts";
import { type Held, watch } from "./watch.ts";

interface ProbeDeps {
  readonly surroundings: Surroundings;
  readonly scheduler: Scheduler;
  /** Ends it early; then it reports nothing. */
  readonly signal: AbortSignal;
}

/** Listens, and attempts; with attempts it ends by itself, once it has written its report. */
export async function runProbe(options: ProbeOptions, deps: ProbeDeps): Promise<void> {
  await using listeners = new AsyncDisposableStack();
  for (const listener of options.listeners) listeners.use(await listen(listener));
  const { scheduler, signal, surroundings } = deps;
  if (options.attempts.length === 0) {
    await pause(scheduler, options.seconds * 1_000, signal); // else the listeners would end here
    return;
  }
  const hosts = findHosts(surroundings);
  const { seconds, untilOpen } = options;
  const watchOne = async (endpoint: Endpoint): Promise<Held> => {
    const target = resolveEndpoint(endpoint, hosts);
    if (target === undefined) return ["failed NOHOST", 0];
    return watch({
      attempt: () => attempt(target, scheduler),
      seconds,
      untilOpen,
      scheduler,
      signal,
    });
  };
  const results = await Promise.all(options.attempts.map(watchOne));
  if (signal.aborted) return;
  await writeFile(options.report, reportText({ version: 1, hosts, results }));
}
