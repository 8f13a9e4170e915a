import { join } from "node:path";
import { writeFile } from "node:fs/promises";
import { byTurns, spreadOf } from "./median.ts";
import { ratioRow, type Row } from "./report.ts";
import type { Bundles, Server } from "./servers.ts";
import { small, works, type Work } from "./works.ts";
import { wrk, type Measured } from "./wrk.ts";

export interface Effort {
  readonly rounds: number;
  /** Of each round. */
  readonly seconds: number;
  readonly say: (text: string) => void;
}

export const apiKey = "bench-key-0123456789abcdef";
export const withKey = { authorization: `Bearer ${apiKey}` };

export async function writeKeys(folder: string, count = 1): Promise<string> {
  const file = join(folder, `keys-${count}`);
  const others = Array.from(
    { length: count - 1 },
    (_, n) => `other-${n} other-key-${String(n).padStart(22, "0")}`,
  );
  await writeFile(file, [...others, `bench ${apiKey}`, ""].join("\n"), { mode: 0o600 });
  return file;
}

export function startLimit(bundles: Bundles, { limit }: Work): Promise<Server> {
  const { bytes, encoding, pieces = 1 } = limit;
  const flags = { bytes, encoding, pieces };
  return bundles.start(
    "limit",
    Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, String(value)]),
  );
}

/** Draws of every kind, by turns with the bare server. */
export async function measureDraws(bundles: Bundles, effort: Effort): Promise<Row[]> {
  const keys = await writeKeys(bundles.folder);
  const rows: Row[] = [];
  for (const work of works) {
    effort.say(work.name);
    await using limit = await startLimit(bundles, work);
    await using subject = await bundles.start("subject", [keys]);
    const { connections } = work;
    const common = { connections, seconds: effort.seconds, headers: withKey };
    const script = work.body && (await writePost(bundles.folder, work.body));
    let answerBytes = 0;
    const ours = async (): Promise<number> => {
      const { rate, throughput } = await wrk({ ...common, url: subject.url + work.path }, script);
      answerBytes = throughput / rate;
      return rate;
    };
    const bare = async (): Promise<number> =>
      (await wrk({ ...common, url: limit.url + work.path }, script)).rate;
    const { first, second, ratio } = await byTurns(effort.rounds, ours, bare);
    const speed = (first.median * answerBytes) / 1e9;
    const value = `${Math.round(first.median)}/s, ${speed.toFixed(2)} GB/s`;
    const { name, aim, aimedSpeed } = work;
    const row = ratioRow(name, value, `${Math.round(second.median)}/s bare`, ratio, aim);
    if (aimedSpeed === undefined) rows.push(row);
    else {
      const isMet = speed >= aimedSpeed;
      rows.push({ ...row, aim: { text: `≥ ${aimedSpeed} GB/s`, isMet } });
    }
  }
  return rows;
}

/** A script of wrk that posts as clients of MCP do. @returns its file */
async function writePost(folder: string, body: object): Promise<string> {
  const script = join(folder, "post.lua");
  const headers = {
    ...withKey,
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    "mcp-protocol-version": "2025-11-25",
  };
  const lines = [
    'wrk.method = "POST"',
    `wrk.body = [[${JSON.stringify(body)}]]`,
    ...Object.entries(headers).map(([name, value]) => `wrk.headers["${name}"] = "${value}"`),
  ];
  await writeFile(script, lines.join("\n"));
  return script;
}

/** Milliseconds that each connection waits before each request. */
const pause = 4;

/** The latency of small draws at about half of the greatest rate, against the bare server's. */
export async function measureLatency(bundles: Bundles, effort: Effort): Promise<Row> {
  effort.say("latency at half of the greatest rate");
  const script = join(bundles.folder, "pause.lua");
  await writeFile(
    script,
    "function init(args) ms = tonumber(args[1]) end\nfunction delay() return ms end\n",
  );
  const keys = await writeKeys(bundles.folder);
  await using limit = await startLimit(bundles, small);
  await using subject = await bundles.start("subject", [keys]);
  const url = subject.url + small.path;
  const greatest = await wrk({ url, connections: 32, seconds: effort.seconds, headers: withKey });
  const connections = Math.max(1, Math.round((greatest.rate / 2) * (pause / 1_000)));
  const load = { connections, seconds: effort.seconds, pause };
  const ours: Measured[] = [];
  const bare: Measured[] = [];
  for (let round = 0; round <= effort.rounds; round++) {
    ours.push(await wrk({ ...load, url, headers: withKey }, script));
    bare.push(await wrk({ ...load, url: limit.url + small.path, headers: withKey }, script));
  }
  const p99 = (all: readonly Measured[]): number =>
    spreadOf(all.slice(1).map((one) => one.p99)).median;
  const ratio = spreadOf(ours.slice(1).map((one, round) => one.p99 / bare[round + 1]!.p99));
  const rate = spreadOf(ours.slice(1).map((one) => one.rate)).median;
  return {
    name: "p99 of GET 32 B at half of the greatest rate",
    value: `${p99(ours).toFixed(2)} ms at ${Math.round(rate)}/s`,
    against: `${p99(bare).toFixed(2)} ms bare`,
    ratio,
    aim: { text: "≤ 2", isMet: ratio.median <= 2 },
  };
}
