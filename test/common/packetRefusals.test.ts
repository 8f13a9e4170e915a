import { createSecretKey } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodePacket, encodePacket } from "../../common/packet/msgpack.ts";
import { PacketError, type Packet } from "../../common/packet/packet.ts";
import { accepted, anyPacket, sign, verifies } from "./helpers/packets.ts";

const bodies = accepted.map(({ packet }) => Buffer.from(packet, "hex"));
/** Where the id stands: after the array's head, the version and the id's own head. */
const idStart = 4 * 8;
const idEnd = idStart + 16 * 8;

test("any flipped bit is refused but those of the id, which nothing protects", () => {
  for (const body of bodies) {
    const passing = Array.from({ length: body.length * 8 }, (_, bit) => bit).filter((bit) =>
      isTaken(flip(body, bit)),
    );
    // Also a flipped bit of the checksum is refused, since it is compared with the data when there.
    expect(passing).toEqual(Array.from({ length: idEnd - idStart }, (_, index) => idStart + index));
  }
});

test("a flipped bit of any packet is refused", () => {
  fc.assert(
    fc.property(anyPacket, fc.nat(), (packet, position) => {
      const body = encodePacket(packet);
      const bit = position % (body.length * 8);
      fc.pre(bit < idStart || bit >= idEnd);
      expect(isTaken(flip(body, bit))).toBe(false);
    }),
  );
});

test("the checksum is unsigned: without it, or with it, the packet is the same one", () => {
  fc.assert(
    fc.property(anyPacket, (packet) => {
      const without = encodePacket({ ...packet, checksum: null });
      const wrong = encodePacket({ ...packet, checksum: ((packet.checksum ?? 0) + 1) % 2 ** 32 });
      expect(isTaken(without)).toBe(true);
      if (packet.checksum !== null) expect(isTaken(wrong)).toBe(false);
    }),
  );
});

test("every prefix is refused as no packet", () => {
  for (const body of bodies) {
    for (let length = 0; length < body.length; length++) {
      expect(() => decodePacket(body.subarray(0, length))).toThrow(PacketError);
    }
  }
});

test("every appended byte is refused as no packet", () => {
  for (const body of bodies) {
    for (let byte = 0; byte < 256; byte++) {
      expect(() => decodePacket(Buffer.concat([body, Buffer.of(byte)]))).toThrow(PacketError);
    }
  }
});

test("no bytes at all make it throw anything but a PacketError, or quote them", () => {
  const head = Buffer.from("9701c410", "hex");
  const nearly = fc.tuple(anyPacket, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 4 }));
  const garbage = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.concat([head, bytes])),
    nearly.map(([packet, position, bytes]) => {
      const body = encodePacket(packet);
      body.set(bytes, position % (body.length - bytes.length));
      return body;
    }),
  );
  const messages = new Set<string>();
  fc.assert(
    fc.property(garbage, (body) => {
      try {
        decodePacket(body);
      } catch (error) {
        expect(error).toBeInstanceOf(PacketError);
        messages.add((error as PacketError).message);
      }
    }),
    { numRuns: 3000 },
  );
  // Few messages for thousands of inputs: none is built from the input.
  expect(messages.size).toBeGreaterThan(3);
  expect(messages.size).toBeLessThan(40);
});

const [timestamp, signature] = [
  "be323032362d30312d30315430303a30303a30302e3132333435363738395a",
  "00",
];
const rest = `${timestamp}c420${signature.repeat(32)}c0`;
const id = "00".repeat(16);

test.each([
  ["an array16 of seven", `dc000701c410${id}00c40101${rest}`],
  ["an array of eight", `9801c410${id}00c40101${rest}c0`],
  ["an array of six", `9601c410${id}00c40101${rest.slice(0, -2)}`],
  ["a map", `8701c410${id}00c40101${rest}`],
  ["version 2", `9702c410${id}00c40101${rest}`],
  ["version 1 as uint8", `97cc01c410${id}00c40101${rest}`],
  ["an id as text", `9701b0${id}00c40101${rest}`],
  ["an id of 15 bytes", `9701c40f${id.slice(2)}00c40101${rest}`],
  ["an id as bin16", `9701c50010${id}00c40101${rest}`],
  ["sequence 5 as uint8", `9701c410${id}cc05c40101${rest}`],
  ["sequence 127 as uint8", `9701c410${id}cc7fc40101${rest}`],
  ["sequence 255 as uint16", `9701c410${id}cd00ffc40101${rest}`],
  ["sequence 65535 as uint32", `9701c410${id}ce0000ffffc40101${rest}`],
  ["sequence 2^32 − 1 as uint64", `9701c410${id}cf00000000ffffffffc40101${rest}`],
  ["sequence −1", `9701c410${id}ffc40101${rest}`],
  ["sequence as int8", `9701c410${id}d005c40101${rest}`],
  ["sequence as int64", `9701c410${id}d37fffffffffffffffc40101${rest}`],
  ["sequence as a float", `9701c410${id}cb4330000000000000c40101${rest}`],
  ["sequence as text", `9701c410${id}a131c40101${rest}`],
  ["no sequence", `9701c410${id}c0c40101${rest}`],
  ["empty data", `9701c410${id}00c400${rest}`],
  ["data as text", `9701c410${id}00a101${rest}`],
  ["1 byte of data as bin16", `9701c410${id}00c5000101${rest}`],
  ["1 byte of data as bin32", `9701c410${id}00c60000000101${rest}`],
  ["256 bytes of data as bin32", `9701c410${id}00c600000100${"01".repeat(256)}${rest}`],
  ["4 GiB of data announced", `9701c410${id}00c6ffffffff01${rest}`],
  ["data as an extension", `9701c410${id}00d40001${rest}`],
  ["a timestamp as str16", `9701c410${id}00c40101da001e${rest.slice(2)}`],
  ["a timestamp as binary", `9701c410${id}00c40101c41e${rest.slice(2)}`],
  ["a timestamp extension", `9701c410${id}00c40101d6ff00000000${rest.slice(62)}`],
  ["a signature of 31 bytes", `9701c410${id}00c40101${timestamp}c41f${"00".repeat(31)}c0`],
  ["a signature of 33 bytes", `9701c410${id}00c40101${timestamp}c421${"00".repeat(33)}c0`],
  ["a checksum as uint64", `9701c410${id}00c40101${rest.slice(0, -2)}cf00000001a505df1b`],
  ["checksum 0 as uint8", `9701c410${id}00c40101${rest.slice(0, -2)}cc00`],
  ["a checksum below zero", `9701c410${id}00c40101${rest.slice(0, -2)}d3ffffffffa505df1b`],
  ["a wrong checksum", `9701c410${id}00c40101${rest.slice(0, -2)}cea505df1a`],
  ["a checksum of false", `9701c410${id}00c40101${rest.slice(0, -2)}c2`],
])("%s is refused", (_, hex) => {
  expect(() => decodePacket(Buffer.from(hex, "hex"))).toThrow(PacketError);
});

test.each([
  ["without a checksum", `9701c410${id}00c40101${rest}`],
  ["with the right one", `9701c410${id}00c40101${rest.slice(0, -2)}cea505df1b`],
  ["with its timestamp as str8", `9701c410${id}00c40101d91e${rest.slice(2)}`],
])("the packet that those rows are made from is read %s", (_, hex) => {
  expect(decodePacket(Buffer.from(hex, "hex"))).toMatchObject({ sequence: 0n });
});

test("a packet signed with another key is refused", () => {
  const packet = sign({ sequence: 1n, data: Buffer.of(1), timestamp: 1n });
  expect(verifies(packet)).toBe(true);
  expect(verifies(packet, createSecretKey(Buffer.alloc(32, 1)))).toBe(false);
});

function isTaken(body: Buffer): boolean {
  let packet: Packet;
  try {
    packet = decodePacket(body);
  } catch (error) {
    expect(error).toBeInstanceOf(PacketError);
    return false;
  }
  return verifies(packet);
}

function flip(body: Buffer, bit: number): Buffer {
  const flipped = Buffer.from(body);
  flipped[bit >> 3]! ^= 1 << (bit & 7);
  return flipped;
}
