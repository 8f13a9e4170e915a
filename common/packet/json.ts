import { crc32 } from "node:zlib";
import {
  maxChecksum,
  maxSequence,
  PacketError,
  packetVersion,
  signatureBytes,
  type Packet,
} from "./packet.ts";
import { parseTimestamp } from "./timestamp.ts";

const names = ["version", "id", "sequence", "data", "timestamp", "signature", "checksum"];
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const decimal = /^(0|[1-9]\d{0,19})$/;

/** Bytes that a JSON packet with `dataBytes` of data can have at most; base64 is 4 for every 3. */
export function maxJsonBytes(dataBytes: number): number {
  return Math.ceil(dataBytes / 3) * 4 + 1024;
}

/**
 * The v1 packet as a JSON object of exactly the seven names; id as a UUID, data and signature as
 * padded base64, sequence as an integer ≤ 2^53 − 1 or a decimal string.
 * @throws PacketError naming the first field that is wrong
 */
export function decodeJsonPacket(body: Buffer): Packet {
  const fields = parseObject(body);
  if (fields["version"] !== packetVersion) throw new PacketError("version: not 1");
  const id = parseId(fields["id"]);
  const sequence = parseSequence(fields["sequence"]);
  const data = parseBase64(fields["data"], "data");
  if (data.length === 0) throw new PacketError("data: empty");
  if (typeof fields["timestamp"] !== "string") throw new PacketError("timestamp: not a string");
  const timestamp = parseTimestamp(fields["timestamp"]);
  const signature = parseBase64(fields["signature"], "signature");
  if (signature.length !== signatureBytes) throw new PacketError("signature: not 32 bytes");
  const checksum = parseChecksum(fields["checksum"]);
  if (checksum !== null && checksum !== crc32(data)) {
    throw new PacketError("checksum: not the CRC-32 of data");
  }
  return { id, sequence, data, timestamp, signature, checksum };
}

function parseObject(body: Buffer): Record<string, unknown> {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
    value = JSON.parse(text);
  } catch {
    throw new PacketError("packet: not JSON in UTF-8"); // no cause: V8 quotes the body
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new PacketError("packet: not a JSON object");
  }
  const keys = Object.keys(value);
  const texts = names.length + Object.values(value).filter(isString).length;
  if (
    keys.length !== names.length ||
    !names.every((name) => keys.includes(name)) ||
    countStrings(text) !== texts // JSON.parse keeps the last of two equal names and says nothing
  ) {
    throw new PacketError(`packet: its names are not exactly ${names.join(", ")}`);
  }
  return value as Record<string, unknown>;
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}

/** How many strings stand in a text that is JSON, names among them. */
function countStrings(json: string): number {
  return (json.replaceAll(/\\./g, "").split('"').length - 1) / 2;
}

function parseId(value: unknown): Uint8Array {
  if (typeof value !== "string" || !uuid.test(value)) throw new PacketError("id: not a UUID");
  return Buffer.from(value.replaceAll("-", ""), "hex");
}

function parseSequence(value: unknown): bigint {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  if (typeof value === "string" && decimal.test(value)) {
    const sequence = BigInt(value);
    if (sequence <= maxSequence) return sequence;
  }
  throw new PacketError(
    "sequence: not an integer up to 2^53 − 1, nor a decimal string up to 2^64 − 1",
  );
}

function parseBase64(value: unknown, field: string): Uint8Array {
  const wrong = new PacketError(`${field}: not standard padded base64`);
  if (typeof value !== "string") throw wrong;
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.fromBase64(value, { lastChunkHandling: "strict" });
  } catch {
    throw wrong;
  }
  // fromBase64 skips white space; the length tells.
  if (value.length !== Math.ceil(bytes.length / 3) * 4) throw wrong;
  return bytes;
}

function parseChecksum(value: unknown): number | null {
  if (value === null) return null;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= maxChecksum) {
    return value;
  }
  throw new PacketError("checksum: not null, nor an integer up to 2^32 − 1");
}
