import { once } from "node:events";
import { systemScheduler } from "../../common/scheduler.ts";
import { GatewayPoll } from "../../operator/gateways/poll.ts";
import type { GatewayPod } from "../../operator/gateways/pods.ts";
import { GatewayReports } from "../../operator/gateways/reports.ts";
import { startProgram } from "../../test/helpers/child.ts";
import { eventually } from "../../test/helpers/eventually.ts";

export interface Polling {
  /** Questions in each second, of so many bridges with two gateways each, each asked every 30 s. */
  readonly perSecond: number;
  /** Of the processor time of one core. */
  readonly processorPercent: number;
}

const replicas = 2;
/** Seconds between two rounds, as `--gateway-seconds` has it. */
const interval = 30;
const rounds = 3;

/**
 * What asking gateways takes of the operator's processor time. In the measured cluster no pod runs:
 * this asks, round after round and by the operator's own code, a server in another process.
 */
export async function measurePolling(bridges: number): Promise<Polling> {
  await using server = startProgram(new URL("gateway.ts", import.meta.url), []);
  const [port] = (await once(server.process, "message")) as [number];
  const pods = new Map<string, GatewayPod>();
  for (let n = 0; n < bridges * replicas; n++) {
    const bridge = `bench/b${Math.floor(n / replicas)}`;
    pods.set(`bench/${n}`, { name: `${n}`, bridge, address: "127.0.0.1", isReady: true });
  }
  let asked = 0;
  const reports = new GatewayReports(pods, () => {
    asked++;
    return { host: "127.0.0.1", port };
  });
  const run = async (questions: number): Promise<number> => {
    const [until, before] = [asked + questions, process.cpuUsage()];
    const options = { reports, interval: 0, changed: () => undefined, scheduler: systemScheduler };
    const poll = new GatewayPoll(options);
    await eventually(() => asked >= until, 600_000);
    await poll.stop();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6 / (asked - until + questions);
  };
  await run(pods.size); // until it is compiled
  const seconds = await run(rounds * pods.size);
  const perSecond = pods.size / interval;
  return { perSecond, processorPercent: seconds * perSecond * 100 };
}
