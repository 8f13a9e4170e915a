import { crc32 } from "node:zlib";
import {
  idBytes,
  maxChecksum,
  packetVersion,
  PacketError,
  signatureBytes,
  type Packet,
} from "./packet.ts";
import { formatTimestamp, parseTimestamp } from "./timestamp.ts";

/**
 * The v1 packet as MessagePack: a fixarray of seven fields in one accepted spelling each. Our own,
 * because general libraries write large integers as floats and accept many spellings of one value.
 */
export function encodePacket(packet: Packet): Buffer {
  const timestamp = Buffer.from(formatTimestamp(packet.timestamp), "latin1");
  const sequence = encodeUnsigned(packet.sequence);
  const dataHead = encodeBinaryHead(packet.data.length);
  const checksum =
    packet.checksum === null ? Buffer.of(0xc0) : encodeUnsigned(BigInt(packet.checksum));
  return Buffer.concat([
    Buffer.of(0x97, packetVersion, 0xc4, idBytes),
    packet.id,
    sequence,
    dataHead,
    packet.data,
    Buffer.of(0xa0 | timestamp.length),
    timestamp,
    Buffer.of(0xc4, signatureBytes),
    packet.signature,
    checksum,
  ]);
}

/**
 * @returns the packet; its data, id and signature are views of `body`
 * @throws PacketError naming the first field that is not spelled as the format says
 */
export function decodePacket(body: Buffer): Packet {
  const reader = new Reader(body);
  reader.expect(0x97, "packet: not an array of seven");
  reader.expect(packetVersion, "version: not 1");
  const id = reader.fixedBinary(idBytes, "id");
  const sequence = reader.unsigned("sequence");
  const data = reader.binary("data");
  if (data.length === 0) throw new PacketError("data: empty");
  const timestamp = parseTimestamp(reader.timestampText());
  const signature = reader.fixedBinary(signatureBytes, "signature");
  const checksum = reader.checksum();
  reader.end();
  if (checksum !== null && checksum !== crc32(data)) {
    throw new PacketError("checksum: not the CRC-32 of data");
  }
  return { id, sequence, data, timestamp, signature, checksum };
}

function encodeUnsigned(value: bigint): Buffer {
  if (value < 0x80n) return Buffer.of(Number(value));
  if (value <= 0xffn) return Buffer.of(0xcc, Number(value));
  const head = value <= 0xffffn ? 0xcd : value <= 0xffff_ffffn ? 0xce : 0xcf;
  const bytes = Buffer.alloc(9);
  bytes.writeBigUInt64BE(value, 1);
  const width = 1 << (head - 0xcc);
  const encoded = bytes.subarray(8 - width);
  encoded[0] = head;
  return encoded;
}

function encodeBinaryHead(length: number): Buffer {
  if (length <= 0xff) return Buffer.of(0xc4, length);
  if (length <= 0xffff) return Buffer.of(0xc5, length >> 8, length & 0xff);
  const head = Buffer.alloc(5, 0xc6);
  head.writeUInt32BE(length, 1);
  return head;
}

class Reader {
  readonly #body: Buffer;
  #at = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  expect(byte: number, otherwise: string): void {
    if (this.#bytes(1, otherwise)[0] !== byte) throw new PacketError(otherwise);
  }

  fixedBinary(length: number, field: string): Buffer {
    this.expect(0xc4, `${field}: not ${length} bytes`);
    this.expect(length, `${field}: not ${length} bytes`);
    return this.#bytes(length, `${field}: cut short`);
  }

  /** bin8, bin16 or bin32, whichever is the shortest for its length. */
  binary(field: string): Buffer {
    const head = this.#byte(field);
    if (head < 0xc4 || head > 0xc6) throw new PacketError(`${field}: not binary`);
    const length = this.#bigEndian(1 << (head - 0xc4), field);
    const shortest = length <= 0xffn ? 0xc4 : length <= 0xffffn ? 0xc5 : 0xc6;
    if (head !== shortest) throw new PacketError(`${field}: length not in its shortest form`);
    return this.#bytes(Number(length), `${field}: cut short`);
  }

  /** A positive fixint or uint8 … uint64, whichever is the shortest for its value. */
  unsigned(field: string): bigint {
    const head = this.#byte(field);
    if (head < 0x80) return BigInt(head);
    if (head < 0xcc || head > 0xcf) throw new PacketError(`${field}: not an unsigned integer`);
    const width = 1 << (head - 0xcc);
    const value = this.#bigEndian(width, field);
    const shortest = width === 1 ? value >= 0x80n : value >> BigInt(width * 4) > 0n;
    if (!shortest) throw new PacketError(`${field}: not in its shortest form`);
    return value;
  }

  /** fixstr or str8 of the four lengths that a timestamp can have. */
  timestampText(): string {
    const head = this.#byte("timestamp");
    const length = head === 0xd9 ? this.#byte("timestamp") : head - 0xa0;
    if (![20, 24, 27, 30].includes(length)) {
      throw new PacketError("timestamp: not text of 20, 24, 27 or 30 characters");
    }
    return this.#bytes(length, "timestamp: cut short").toString("latin1");
  }

  checksum(): number | null {
    if (this.#body[this.#at] === 0xc0) {
      this.#at += 1;
      return null;
    }
    const value = this.unsigned("checksum");
    if (value > BigInt(maxChecksum)) throw new PacketError("checksum: above 2^32 − 1");
    return Number(value);
  }

  end(): void {
    if (this.#at !== this.#body.length) throw new PacketError("packet: bytes after the last field");
  }

  #byte(field: string): number {
    return this.#bytes(1, `${field}: cut short`).readUInt8();
  }

  #bigEndian(width: number, field: string): bigint {
    let value = 0n;
    for (const byte of this.#bytes(width, `${field}: cut short`))
      value = (value << 8n) | BigInt(byte);
    return value;
  }

  #bytes(length: number, otherwise: string): Buffer {
    const end = this.#at + length;
    if (end > this.#body.length) throw new PacketError(otherwise);
    const bytes = this.#body.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }
}
