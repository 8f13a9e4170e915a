import { createSecretKey, randomBytes } from "node:crypto";
import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { encodePacket } from "../../common/packet/msgpack.ts";
import { audienceKey, signatureOf } from "../../common/packet/signature.ts";
import { makeAuthority } from "../../test/helpers/certificates.ts";
import { eventually } from "../../test/helpers/eventually.ts";
import type { Effort } from "./draws.ts";
import { byTurns } from "./median.ts";
import { serverCore } from "./pin.ts";
import { ratioRow, type Row } from "./report.ts";
import type { Bundles } from "./servers.ts";

interface PushWork {
  readonly name: string;
  readonly packetBytes: number;
  readonly tls: boolean;
  /** The least ratio to the speed of HMAC-SHA256 that is aimed at. */
  readonly aim: number;
}

const pushWorks: readonly PushWork[] = [
  { name: "push of 64 KiB, http", packetBytes: 65_536, tls: false, aim: 0.7 },
  { name: "push of 1 MiB, http", packetBytes: 2 ** 20, tls: false, aim: 0.7 },
  { name: "push of 64 KiB, mTLS", packetBytes: 65_536, tls: true, aim: 0.7 },
  { name: "push of 1 MiB, mTLS", packetBytes: 2 ** 20, tls: true, aim: 0.7 },
];

const connections = 4;
const ringKeyHex = "5a".repeat(32);

/** A gateway that is pushed to, and a sender that signs every packet anew. */
interface Pushed extends AsyncDisposable {
  /** @returns data bytes a second that were taken */
  measure(packetBytes: number, seconds: number): Promise<number>;
}

/** Pushes, each signed anew, by turns with what HMAC-SHA256 alone takes of the same core. */
export async function measurePushes(bundles: Bundles, effort: Effort): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { name, packetBytes, tls, aim } of pushWorks) {
    effort.say(name);
    await using pushed = await startPushed(bundles, tls);
    const pushes = (): Promise<number> => pushed.measure(packetBytes, effort.seconds);
    const signing = async (): Promise<number> => hmacSpeed(bundles.folder);
    const { first, second, ratio } = await byTurns(effort.rounds, pushes, signing);
    const megabytes = (rate: number): string => `${(rate / 1e6).toFixed(0)} MB/s`;
    rows.push(
      ratioRow(name, megabytes(first.median), `${megabytes(second.median)} of HMAC`, ratio, aim),
    );
  }
  return rows;
}

function hmacSpeed(folder: string): number {
  const program = join(folder, "hmac", "main.js");
  return Number(
    execFileSync("taskset", ["--cpu-list", String(serverCore), process.execPath, program]),
  );
}

async function startPushed(bundles: Bundles, tls: boolean): Promise<Pushed> {
  const files = tls ? await writeIdentities(bundles.folder) : undefined;
  const config = {
    listen_address: "127.0.0.1:0",
    management_address: "127.0.0.1:0",
    buffer_size: 64 * 2 ** 20,
    overflow: "DiscardOldest",
    shutdown_grace: 0,
    hmac_secret_key: ringKeyHex,
    api_keys: [randomBytes(32).toString("hex")],
    push: {
      window: { future: 0 },
      listen_address: "127.0.0.1:0",
      ...(files === undefined ? {} : { tls: files.gateway }),
    },
  };
  const file = join(bundles.folder, `push-${tls ? "tls" : "http"}.yaml`);
  await writeFile(file, JSON.stringify(config), { mode: 0o600 });
  const server = await bundles.start("gateway", ["--config", file]);
  const listening = await eventually(() =>
    server.child.lines().find(({ listener }) => listener === "push"),
  );
  const audience = String(listening["address"]);
  const agent = tls
    ? new HttpsAgent({ keepAlive: true, maxSockets: connections, ...files!.collector })
    : new HttpAgent({ keepAlive: true, maxSockets: connections });
  const key = audienceKey(createSecretKey(ringKeyHex, "hex"), audience);
  let sequence = 0n;

  const pushOne = async (data: Buffer): Promise<void> => {
    sequence += 1n;
    const fields = { data, sequence, timestamp: BigInt(Date.now()) * 1_000_000n };
    const body = encodePacket({
      ...fields,
      id: randomBytes(16),
      signature: signatureOf(key, fields),
      checksum: crc32(data),
    });
    const status = await post(agent, tls, audience, body);
    if (status !== 200) throw new Error(`a push was answered ${status}`);
  };

  return {
    measure: async (packetBytes, seconds) => {
      const data = randomBytes(packetBytes);
      const begun = performance.now();
      const end = begun + seconds * 1_000;
      let taken = 0;
      const sender = async (): Promise<void> => {
        while (performance.now() < end) {
          await pushOne(data);
          taken += packetBytes;
        }
      };
      await Promise.all(Array.from({ length: connections }, sender));
      return (taken / (performance.now() - begun)) * 1_000;
    },
    [Symbol.asyncDispose]: async () => {
      agent.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}

function post(
  agent: HttpAgent | HttpsAgent,
  tls: boolean,
  audience: string,
  body: Buffer,
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const headers = {
    "content-type": "application/msgpack",
    "content-length": body.length,
    "x-qrng-audience": audience,
  };
  const request = (tls ? httpsRequest : httpRequest)(
    `${tls ? "https" : "http"}://${audience}/push`,
    { method: "POST", agent, headers },
    (response) => {
      response.resume().once("end", () => resolve(response.statusCode ?? 0));
    },
  );
  request.once("error", reject);
  request.end(body);
  return promise;
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
