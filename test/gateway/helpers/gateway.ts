import { createSecretKey, randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";
import { parseConfig } from "../../../common/config/load.ts";
import { encodePacket } from "../../../common/packet/msgpack.ts";
import type { Packet } from "../../../common/packet/packet.ts";
import { audienceKey, signatureOf } from "../../../common/packet/signature.ts";
import type { Clock } from "../../../common/clock.ts";
import { gatewayConfig, type GatewayConfigInput } from "../../../gateway/config.ts";
import { startGateway } from "../../../gateway/gateway.ts";
import { captureLog, type CapturedLog } from "../../helpers/capturedLog.ts";

export const apiKey = "test-key-0123456789abcdef";
export const ringKeyHex = "5a".repeat(32);
const ringKey = createSecretKey(ringKeyHex, "hex");

export interface TestGateway extends AsyncDisposable {
  readonly api: string;
  readonly push: string;
  readonly management: string;
  /** The push listener's own address, which packets are signed for. */
  readonly audience: string;
  readonly captured: CapturedLog;
  stop(): Promise<void>;
}

/** A real gateway on ports that the system picked, which takes pushes from its first millisecond. */
export async function startTestGateway(
  config: GatewayConfigInput = {},
  { clock }: { clock?: Clock } = {},
): Promise<TestGateway> {
  const captured = captureLog("info");
  const keys = config.deployment_mode === "Direct" ? {} : { hmac_secret_key: ringKeyHex };
  const whole = {
    listen_address: "127.0.0.1:0",
    management_address: "127.0.0.1:0",
    api_keys: [{ name: "test", key: apiKey }],
    shutdown_grace: 0,
    ...keys,
    ...config,
    push: { listen_address: "127.0.0.1:0", window: { future: 0 }, ...config.push },
  };
  const parsed = parseConfig(gatewayConfig, JSON.stringify(whole), "test.yaml");
  const running = await startGateway(
    parsed,
    clock === undefined ? { log: captured.log } : { log: captured.log, clock },
  );
  const addressOf = (listener: string): string => {
    const line = captured.lines().find((entry) => entry["listener"] === listener);
    return String(line?.["address"]);
  };
  return {
    api: `http://${addressOf("api")}`,
    push: `http://${addressOf("push")}/push`,
    management: `http://${addressOf("management")}`,
    audience: addressOf("push"),
    captured,
    stop: () => running.stop(),
    [Symbol.asyncDispose]: () => running.stop(),
  };
}

export interface PacketFields {
  readonly data?: Buffer;
  readonly sequence?: bigint;
  readonly timestamp?: bigint;
  /** Whom it is signed for; null signs it for nobody, as v1 senders do. */
  readonly audience: string | null;
  readonly keyHex?: string | undefined;
}

/** A packet as a collector would sign it now. */
export function makePacket(fields: PacketFields): Packet {
  const key = fields.keyHex === undefined ? ringKey : createSecretKey(fields.keyHex, "hex");
  const signed = {
    data: fields.data ?? randomBytes(64),
    sequence: fields.sequence ?? 1n,
    timestamp: fields.timestamp ?? BigInt(Date.now()) * 1_000_000n,
  };
  const signing = fields.audience === null ? key : audienceKey(key, fields.audience);
  return {
    ...signed,
    id: randomBytes(16),
    signature: signatureOf(signing, signed),
    checksum: crc32(signed.data),
  };
}

export interface PushInit {
  readonly body: Buffer | string;
  readonly headers?: Record<string, string>;
}

/** Where pushes go, and for whom packets are signed. */
type PushTarget = Pick<TestGateway, "push" | "audience">;

export async function pushBody(
  gateway: PushTarget,
  { body, headers }: PushInit,
): Promise<Response> {
  return fetch(gateway.push, {
    method: "POST",
    body: typeof body === "string" ? body : new Uint8Array(body),
    headers: { "content-type": "application/msgpack", ...headers },
  });
}

/** Pushes a packet with the audience that it was signed for, and gives the status. */
export async function push(
  gateway: PushTarget,
  packet: Packet,
  headers: Record<string, string> = { "x-qrng-audience": gateway.audience },
): Promise<number> {
  const response = await pushBody(gateway, { body: encodePacket(packet), headers });
  await response.arrayBuffer();
  return response.status;
}

/** Pushes so many bytes, which must be taken. */
export async function fill(gateway: PushTarget, data: Buffer): Promise<void> {
  const status = await push(gateway, makePacket({ data, audience: gateway.audience }));
  if (status !== 200) throw new Error(`a push was answered ${status}`);
}

export const withKey = { authorization: `Bearer ${apiKey}` };

export async function draw(
  gateway: TestGateway,
  query = "",
  more: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(`${gateway.api}/api/random${query}`, { headers: { ...withKey, ...more } });
}

/** The two ways that a request may be served: what is plain goes past Koa, a weighed Accept does not. */
const accepting: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ["the short path", {}],
  ["Koa", { accept: "*/*;q=1" }],
];
export const ways = accepting.map(([way, more]) => ({
  way,
  more,
  draw: (gateway: TestGateway, query?: string) => draw(gateway, query, more),
}));

/** The value of a metric line such as `name{label="x"}`. */
export async function metric(gateway: TestGateway, name: string): Promise<number> {
  const text = await (await fetch(`${gateway.management}/metrics`)).text();
  const line = text.split("\n").find((candidate) => candidate.startsWith(`${name} `));
  return Number(line?.split(" ")[1]);
}
