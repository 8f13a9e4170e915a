import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeAuthority } from "../../test/helpers/certificates.ts";
import { writeKeys, type Effort } from "./draws.ts";
import { byTurns, spreadOf } from "./median.ts";
import { serverCore } from "./pin.ts";
import { mebibyte, processorSeconds } from "./process.ts";
import { startPushed } from "./pushed.ts";
import { ratioRow, type Row } from "./report.ts";
import { Sender } from "./sender.ts";
import type { Bundles } from "./servers.ts";

interface PushWork {
  readonly name: string;
  readonly packetBytes: number;
  readonly tls: boolean;
}

const pushWorks: readonly PushWork[] = [
  { name: "push of 64 KiB, http", packetBytes: 65_536, tls: false },
  { name: "push of 1 MiB, http", packetBytes: mebibyte, tls: false },
  { name: "push of 64 KiB, mTLS", packetBytes: 65_536, tls: true },
  { name: "push of 1 MiB, mTLS", packetBytes: mebibyte, tls: true },
];

/** The least ratio to the speed of HMAC-SHA256. */
const aim = 0.7;

/**
 * Pushes, each signed anew, by turns with what HMAC-SHA256 alone takes of the same core. The sender
 * signs on the other core and may be the slower one: so what the gateway's core spends is told too.
 */
export async function measurePushes(bundles: Bundles, effort: Effort): Promise<Row[]> {
  const keys = await writeKeys(bundles.folder);
  const rows: Row[] = [];
  for (const { name, packetBytes, tls } of pushWorks) {
    effort.say(name);
    const identities = tls ? await writeIdentities(bundles.folder) : undefined;
    const way = identities === undefined ? {} : { tls: identities.gateway };
    await using gateway = await startPushed(bundles, { name: "pushed", keys, ...way });
    using sender = new Sender(gateway.push, identities?.collector);
    const costs: number[] = [];
    const pushes = async (): Promise<number> => {
      const before = await processorSeconds(gateway.pid);
      const rate = (await sender.measure(packetBytes, effort.seconds)) * packetBytes;
      const spent = (await processorSeconds(gateway.pid)) - before;
      costs.push((spent * 1_000) / ((rate * effort.seconds) / mebibyte));
      return rate;
    };
    const signing = async (): Promise<number> => hmacSpeed(bundles.folder);
    const { first, second, ratio } = await byTurns(effort.rounds, pushes, signing);
    const megabytes = (rate: number): string => `${(rate / 1e6).toFixed(0)} MB/s`;
    const cost = spreadOf(costs.slice(1)).median.toFixed(1);
    const value = `${megabytes(first.median)}, ${cost} ms of its core a MiB`;
    const against = `${megabytes(second.median)} of HMAC`;
    rows.push(ratioRow(name, value, against, ratio, aim));
  }
  return rows;
}

function hmacSpeed(folder: string): number {
  const program = join(folder, "hmac", "main.js");
  return Number(
    execFileSync("taskset", ["--cpu-list", String(serverCore), process.execPath, program]),
  );
}

async function writeIdentities(folder: string) {
  const [servers, clients] = [await makeAuthority("servers"), await makeAuthority("collectors")];
  const gateway = await servers.issue();
  const collector = await clients.issue({ names: ["collector"], use: "clientAuth" });
  const at = (name: string): string => join(folder, name);
  await writeFile(at("push.crt"), gateway.certificate);
  await writeFile(at("push.key"), gateway.key, { mode: 0o600 });
  await writeFile(at("clients.crt"), clients.certificate);
  return {
    gateway: {
      certificate_file: at("push.crt"),
      key_file: at("push.key"),
      client_ca_file: at("clients.crt"),
      client_name: "collector",
    },
    collector: { ca: servers.certificate, cert: collector.certificate, key: collector.key },
  };
}
