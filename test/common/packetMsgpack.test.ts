import { decode, encode } from "@msgpack/msgpack";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodePacket, encodePacket } from "../../common/packet/msgpack.ts";
import { packetOverheadBytes, type Packet } from "../../common/packet/packet.ts";
import { formatTimestamp } from "../../common/packet/timestamp.ts";
import { anyPacket, sign, verifies } from "./helpers/packets.ts";

test("what is written is read back", () => {
  fc.assert(
    fc.property(anyPacket, (packet) => {
      const read = decodePacket(encodePacket(packet));
      expect(plain(read)).toEqual(plain(packet));
      expect(verifies(read)).toBe(true);
    }),
  );
});

test("a general MessagePack library reads what is written", () => {
  fc.assert(
    fc.property(anyPacket, (packet) => {
      const fields = decode(encodePacket(packet), { useBigInt64: true }) as unknown[];
      const [version, id, sequence, data, timestamp, signature, checksum] = fields;
      expect(fields.length).toBe(7);
      expect(version).toBe(1);
      expect(Buffer.from(id as Uint8Array)).toEqual(packet.id);
      expect(BigInt(sequence as number | bigint)).toBe(packet.sequence);
      expect(Buffer.from(data as Uint8Array)).toEqual(Buffer.from(packet.data));
      expect(timestamp).toBe(formatTimestamp(packet.timestamp));
      expect(Buffer.from(signature as Uint8Array)).toEqual(packet.signature);
      expect(checksum).toBe(packet.checksum);
    }),
  );
});

test("what a general MessagePack library writes is read, and written with the same bytes", () => {
  fc.assert(
    fc.property(anyPacket, (packet) => {
      const written = encodeWithLibrary(packet);
      expect(plain(decodePacket(written))).toEqual(plain(packet));
      expect(encodePacket(packet)).toEqual(written);
    }),
  );
});

test.each([1, 255, 256, 65_535, 65_536, 2 ** 20])("%i bytes of data", (length) => {
  const packet = sign({ sequence: 2n ** 64n - 1n, data: Buffer.alloc(length, 7), timestamp: 0n });
  const encoded = encodePacket(packet);
  expect(encoded.length - length).toBeLessThanOrEqual(packetOverheadBytes);
  expect(encoded).toEqual(encodeWithLibrary(packet));
  expect(verifies(decodePacket(encoded))).toBe(true);
});

test("the longest packet has exactly the overhead that limits allow for", () => {
  const data = Buffer.alloc(65_536, 1); // its CRC-32 takes all four bytes
  const packet = sign({ sequence: 2n ** 64n - 1n, data, timestamp: 0n });
  expect(packet.checksum).toBeGreaterThan(0xffff);
  expect(encodePacket(packet).length).toBe(data.length + packetOverheadBytes);
});

test("the fields of a packet that was read are views of its body, so zeroing one zeroes all", () => {
  const body = encodePacket(sign({ sequence: 1n, data: Buffer.alloc(64, 5), timestamp: 0n }));
  const packet = decodePacket(body);
  body.fill(0);
  expect(packet.data.every((byte) => byte === 0)).toBe(true);
});

/** Numbers below 2^32 and bigints above: that library's way to the smallest form. */
function encodeWithLibrary(packet: Packet): Buffer {
  const sequence = packet.sequence < 2n ** 32n ? Number(packet.sequence) : packet.sequence;
  const timestamp = formatTimestamp(packet.timestamp);
  const { id, data, signature, checksum } = packet;
  const fields = [1, id, sequence, data, timestamp, signature, checksum];
  return Buffer.from(encode(fields, { useBigInt64: true }));
}

function plain(packet: Packet): unknown {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
  const { id, data, signature } = packet;
  return { ...packet, id: hex(id), data: hex(data), signature: hex(signature) };
}
