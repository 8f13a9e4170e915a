import { spreadOf } from "./median.ts";
import { withKey, writeKeys, type Effort } from "./draws.ts";
import type { Row } from "./report.ts";
import type { Bundles } from "./servers.ts";

/** Milliseconds. */
const aim = 500;

/** From a process's start to its first byte: the bundled gateway's API over a full buffer. */
export async function measureStartUp(bundles: Bundles, effort: Effort): Promise<Row> {
  effort.say("start-up");
  const keys = await writeKeys(bundles.folder);
  const times: number[] = [];
  for (let round = 0; round <= effort.rounds; round++) {
    const begun = performance.now();
    await using subject = await bundles.start("subject", [keys]);
    const response = await fetch(`${subject.url}/api/random`, { headers: withKey });
    await response.text();
    times.push(performance.now() - begun);
  }
  const { median } = spreadOf(times.slice(1));
  return {
    name: "start-up to the first byte served, bundled",
    value: `${median.toFixed(0)} ms`,
    aim: { text: `< ${aim} ms`, isMet: median < aim },
  };
}
