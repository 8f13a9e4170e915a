import { spreadOf } from "./median.ts";
import { withKey, writeKeys, type Effort } from "./draws.ts";
import { writePrograms, type StartedProgram } from "./startedPrograms.ts";
import { startProgram } from "../../test/helpers/child.ts";
import { eventually } from "../../test/helpers/eventually.ts";
import { freePort } from "../../test/endToEnd/helpers/ports.ts";
import { pin, serverCore } from "./pin.ts";
import type { Row } from "./report.ts";
import type { Bundles } from "./servers.ts";

/** Milliseconds to the first byte served, and to the first answer on the management port. */
const aims = { serving: 500, healthy: 400 };

/** Of each program, from its process's start until it does its work. */
export async function measureStartUp(bundles: Bundles, effort: Effort): Promise<Row[]> {
  const rows = [await measureFirstByte(bundles, effort)];
  for (const program of await writePrograms(bundles.folder)) {
    rows.push(await measureHealthy(program, effort));
  }
  return rows;
}

/** The API over a full buffer. */
async function measureFirstByte(bundles: Bundles, effort: Effort): Promise<Row> {
  effort.say("start-up to the first byte");
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
    aim: { text: `< ${aims.serving} ms`, isMet: median < aims.serving },
  };
}

async function measureHealthy(program: StartedProgram, effort: Effort): Promise<Row> {
  effort.say(`start-up of the ${program.name}`);
  const times: number[] = [];
  for (let round = 0; round <= effort.rounds; round++) {
    const management = `127.0.0.1:${await freePort()}`;
    const args = await program.args(management);
    const begun = performance.now();
    await using child = startProgram(program.file, args, program.env);
    pin(child.process.pid, serverCore);
    await eventually(() => isHealthy(management), 60_000);
    times.push(performance.now() - begun);
  }
  const { median } = spreadOf(times.slice(1));
  return {
    name: `start-up of the ${program.name} to its first /healthz, bundled`,
    value: `${median.toFixed(0)} ms, ${(program.bytes / 1e6).toFixed(1)} MB`,
    aim: { text: `< ${aims.healthy} ms`, isMet: median < aims.healthy },
  };
}

async function isHealthy(management: string): Promise<boolean> {
  try {
    return (await fetch(`http://${management}/healthz`)).ok;
  } catch {
    return false; // not listening yet
  }
}
