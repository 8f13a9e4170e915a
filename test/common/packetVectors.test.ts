import { createSecretKey } from "node:crypto";
import { expect, test } from "vitest";
import { decodePacket, encodePacket } from "../../common/packet/msgpack.ts";
import { PacketError } from "../../common/packet/packet.ts";
import { audienceKey, signatureOf, verifySignature } from "../../common/packet/signature.ts";
import { formatTimestamp, parseTimestamp } from "../../common/packet/timestamp.ts";
import { accepted, refused, testId, testKey, vectors, verifies } from "./helpers/packets.ts";

test("there are vectors of both kinds", () => {
  expect(accepted.length).toBeGreaterThanOrEqual(5);
  expect(refused.length).toBeGreaterThanOrEqual(1);
  expect(vectors.audiences.length).toBeGreaterThanOrEqual(3);
});

test.each(accepted)("sequence $sequence is read as its maker wrote it", (vector) => {
  const packet = decodePacket(Buffer.from(vector.packet, "hex"));
  expect({
    sequence: packet.sequence.toString(),
    data: Buffer.from(packet.data).toString("hex"),
    timestamp: packet.timestamp,
    signature: Buffer.from(packet.signature).toString("hex"),
    checksum: packet.checksum,
    id: Buffer.from(packet.id),
  }).toEqual({
    sequence: vector.sequence,
    data: vector.data,
    timestamp: parseTimestamp(vector.timestamp),
    signature: vector.signature,
    checksum: vector.checksum,
    id: testId,
  });
  expect(verifies(packet)).toBe(true);
});

test.each(accepted)("sequence $sequence is signed as its maker signed it", (vector) => {
  const fields = {
    sequence: BigInt(vector.sequence),
    data: Buffer.from(vector.data, "hex"),
    timestamp: parseTimestamp(vector.timestamp),
  };
  expect(signatureOf(testKey, fields).toString("hex")).toBe(vector.signature);
});

const nineDecimals = accepted.filter(({ timestamp }) => /\.\d{9}Z$/.test(timestamp));

test.each(nineDecimals)("sequence $sequence is written with the same bytes", (vector) => {
  const packet = {
    id: testId,
    sequence: BigInt(vector.sequence),
    data: Buffer.from(vector.data, "hex"),
    timestamp: parseTimestamp(vector.timestamp),
    signature: Buffer.from(vector.signature, "hex"),
    checksum: vector.checksum,
  };
  expect(encodePacket(packet).toString("hex")).toBe(vector.packet);
});

const fewerDecimals = accepted.filter((vector) => !nineDecimals.includes(vector));

test.each(fewerDecimals)("sequence $sequence is written with nine decimals instead", (vector) => {
  const packet = decodePacket(Buffer.from(vector.packet, "hex"));
  const encoded = encodePacket(packet);
  expect(encoded.includes(formatTimestamp(packet.timestamp))).toBe(true);
  expect(decodePacket(encoded)).toEqual(packet);
});

test.each(refused)("sequence $sequence at $timestamp is refused", (vector) => {
  expect(() => decodePacket(Buffer.from(vector.packet, "hex"))).toThrow(PacketError);
  expect(() => parseTimestamp(vector.timestamp)).toThrow(PacketError);
});

test.each(vectors.audiences)("the key for $audience", ({ audience, key }) => {
  expect(audienceKey(testKey, audience).export().toString("hex")).toBe(key);
});

test("the bound packet verifies for its own audience and for no other", () => {
  const { packet: index, audience, signature } = vectors.bound;
  const packet = decodePacket(Buffer.from(vectors.packets[index]!.packet, "hex"));
  const bound = { ...packet, signature: Buffer.from(signature, "hex") };
  const takers = vectors.audiences.filter((candidate) =>
    verifies(bound, createSecretKey(candidate.key, "hex")),
  );
  expect(takers.map((taker) => taker.audience)).toEqual([audience]);
  expect(verifies(bound, audienceKey(testKey, audience))).toBe(true);
  expect(verifies(bound)).toBe(false);
  expect(verifySignature(audienceKey(testKey, audience), packet, packet.signature)).toBe(false);
});
