import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeJsonPacket, maxJsonBytes } from "../../common/packet/json.ts";
import { PacketError, type Packet } from "../../common/packet/packet.ts";
import { formatTimestamp } from "../../common/packet/timestamp.ts";
import { accepted, anyPacket, verifies, vectors } from "./helpers/packets.ts";

test.each(accepted)("the vector with sequence $sequence, as JSON, is the same packet", (vector) => {
  const packet = decodeJsonPacket(
    json({
      ...good,
      id: vectors.id,
      sequence: vector.sequence,
      data: Buffer.from(vector.data, "hex").toString("base64"),
      timestamp: vector.timestamp,
      signature: Buffer.from(vector.signature, "hex").toString("base64"),
      checksum: vector.checksum,
    }),
  );
  expect(packet.sequence).toBe(BigInt(vector.sequence));
  expect(verifies(packet)).toBe(true);
});

test("any packet is read from its JSON form, whose size is bounded", () => {
  fc.assert(
    fc.property(anyPacket, fc.boolean(), (packet, asNumber) => {
      const body = json(jsonFields(packet, asNumber && packet.sequence < 2n ** 53n));
      const read = decodeJsonPacket(body);
      expect(read.sequence).toBe(packet.sequence);
      expect(Buffer.from(read.data)).toEqual(Buffer.from(packet.data));
      expect(Buffer.from(read.id)).toEqual(Buffer.from(packet.id));
      expect(verifies(read)).toBe(true);
      expect(body.length).toBeLessThanOrEqual(maxJsonBytes(packet.data.length));
    }),
  );
});

const good = {
  version: 1,
  id: "0f0e0d0c-0b0a-4908-8706-050403020100",
  sequence: 7 as unknown,
  data: "AQ==",
  timestamp: "2026-01-01T00:00:00Z",
  signature: `${"A".repeat(43)}=`,
  checksum: null as unknown,
};
const goodText = JSON.stringify(good);

test.each([
  ["as it is", goodText],
  ["with white space around and between", JSON.stringify(good, null, "\t\r\n ")],
  [
    "with its names in another order",
    JSON.stringify(Object.fromEntries(Object.entries(good).reverse())),
  ],
  ["with an escaped name", goodText.replace("version", String.raw`\u0076ersion`)],
  ["with an escaped value", goodText.replace("AQ==", String.raw`\u0041Q==`)],
  ["with the data /w== spelled \\/w==", goodText.replace("AQ==", String.raw`\/w==`)],
  ["with the id in upper case", JSON.stringify({ ...good, id: good.id.toUpperCase() })],
  ["with sequence 0", JSON.stringify({ ...good, sequence: 0 })],
  ["with sequence 2^53 − 1", JSON.stringify({ ...good, sequence: 2 ** 53 - 1 })],
  ["with sequence 2^53 as text", JSON.stringify({ ...good, sequence: "9007199254740992" })],
  ["with sequence 2^64 − 1", JSON.stringify({ ...good, sequence: "18446744073709551615" })],
  ["with the right checksum", JSON.stringify({ ...good, checksum: 0xa505df1b })],
])("is read %s", (_, text) => {
  expect(decodeJsonPacket(Buffer.from(text)).data.length).toBe(1);
});

test.each<[string, Partial<Record<keyof typeof good, unknown>>]>([
  ["version 2", { version: 2 }],
  ["version as text", { version: "1" }],
  ["no id", { id: undefined }],
  ["an id of null", { id: null }],
  ["an id without hyphens", { id: good.id.replaceAll("-", "") }],
  ["an id in braces", { id: `{${good.id}}` }],
  ["an id with a line end", { id: `${good.id}\n` }],
  ["sequence −1", { sequence: -1 }],
  ["sequence 1.5", { sequence: 1.5 }],
  ["sequence 2^53", { sequence: 2 ** 53 }],
  ["sequence 1e300", { sequence: 1e300 }],
  ["sequence null", { sequence: null }],
  ["sequence 2^64", { sequence: "18446744073709551616" }],
  ["sequence of 21 digits", { sequence: "100000000000000000000" }],
  ["sequence with a leading zero", { sequence: "007" }],
  ["sequence with a sign", { sequence: "+7" }],
  ["sequence in hex", { sequence: "0x7" }],
  ["sequence with a space", { sequence: " 7" }],
  ["sequence as empty text", { sequence: "" }],
  ["sequence as an array", { sequence: [7] }],
  ["empty data", { data: "" }],
  ["data as an array", { data: [1] }],
  ["data that is unpadded", { data: "AQ" }],
  ["data padded once too little", { data: "AQ=" }],
  ["data padded once too much", { data: "AQ===" }],
  ["data padded in the middle", { data: "AQ==AQ==" }],
  ["data with a space", { data: "AQ= =" }],
  ["data with a line end after it", { data: "AQ==\n" }],
  ["data with a line end in it", { data: "AQEB\r\nAQEB" }],
  ["data in the URL alphabet", { data: "-_-_" }],
  ["data whose last bits are not zero", { data: "AR==" }],
  ["data with other characters", { data: "AQ%=" }],
  ["data in other digits", { data: "ＡＱ==" }],
  ["a timestamp as a number", { timestamp: 1_767_225_600 }],
  ["a timestamp at second 60", { timestamp: "2026-01-01T00:00:60Z" }],
  ["a signature of 31 bytes", { signature: Buffer.alloc(31).toString("base64") }],
  ["a signature of 33 bytes", { signature: Buffer.alloc(33).toString("base64") }],
  ["a signature in hex", { signature: "00".repeat(32) }],
  ["no signature", { signature: null }],
  ["a wrong checksum", { checksum: 0xa505df1a }],
  ["a checksum as text", { checksum: "2768625435" }],
  ["a checksum below zero", { checksum: -1 }],
  ["a checksum above 2^32 − 1", { checksum: 2 ** 32 + 0xa505df1b }],
  ["a missing checksum", { checksum: undefined }],
])("%s is refused", (_, change) => {
  expectRefused(JSON.stringify({ ...good, ...change }));
});

test.each([
  ["an eighth name", goodText.replace("{", '{"more":1,')],
  ["a name in another case", goodText.replace("version", "Version")],
  ["__proto__ for a name", goodText.replace("checksum", "__proto__")],
  ["__proto__ as an eighth name", goodText.replace("{", '{"__proto__":null,')],
  ["the same name twice", goodText.replace("{", '{"sequence":7,')],
  ["the same name twice, once escaped", goodText.replace("{", String.raw`{"\u0073equence":7,`)],
  ["the same name twice, with text first", goodText.replace("{", '{"data":"Ag==",')],
  ["the same name twice, with an object first", goodText.replace("{", '{"data":{"a":"b"},')],
  ["NaN", goodText.replace(":7", ":NaN")],
  ["Infinity", goodText.replace(":7", ":Infinity")],
  ["a hex number", goodText.replace(":7", ":0x7")],
  ["a number with a leading zero", goodText.replace(":7", ":07")],
  ["single quotes", goodText.replaceAll('"', "'")],
  ["a comma at the end", goodText.replace("}", ",}")],
  ["a comment", `/* */${goodText}`],
  ["a byte order mark", `\uFEFF${goodText}`],
  ["two packets", `${goodText}${goodText}`],
  ["a packet in an array", `[${goodText}]`],
  ["half a packet", goodText.slice(0, 80)],
  ["null", "null"],
  ["a number", "7"],
  ["a text", JSON.stringify(goodText)],
  ["nothing", ""],
  ["an array of seven", "[1,2,3,4,5,6,7]"],
  ["100,000 brackets", "[".repeat(100_000)],
])("%s is refused", (_, text) => {
  expectRefused(text);
});

test.each([
  ["a lone continuation byte", Buffer.from([0x80])],
  ["an overlong slash", Buffer.from([0xc0, 0xaf])],
  ["half a character", Buffer.from([0xe2, 0x82])],
  ["a surrogate", Buffer.from([0xed, 0xa0, 0x80])],
])("UTF-8 with %s is refused", (_, bytes) => {
  const [before, after] = goodText.split("AQ==") as [string, string];
  expectRefused(Buffer.concat([Buffer.from(`${before}AQ==`), bytes, Buffer.from(after)]));
});

test("UTF-16 is refused", () => {
  expectRefused(Buffer.from(goodText, "utf16le"));
});

test("no JSON value makes it throw anything but a PacketError, or quote it", () => {
  const values = fc.oneof(
    fc.jsonValue(),
    fc.record({ ...fieldsOf(good), more: fc.jsonValue() }, { requiredKeys: [] }),
    fc.record(fieldsOf(good)),
  );
  const messages = new Set<string>();
  fc.assert(
    fc.property(values, (value) => {
      try {
        decodeJsonPacket(json(value));
      } catch (error) {
        expect(error).toBeInstanceOf(PacketError);
        messages.add((error as PacketError).message);
      }
    }),
    { numRuns: 2000 },
  );
  expect(messages.size).toBeGreaterThan(3);
  expect(messages.size).toBeLessThan(20);
});

/** Each field as it should be, or anything. */
function fieldsOf(fields: Record<string, unknown>): Record<string, fc.Arbitrary<unknown>> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      fc.oneof({ weight: 5, arbitrary: fc.constant(value) }, fc.jsonValue()),
    ]),
  );
}

function jsonFields(packet: Packet, sequenceAsNumber: boolean): unknown {
  const hex = Buffer.from(packet.id).toString("hex");
  return {
    version: 1,
    id: hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"),
    sequence: sequenceAsNumber ? Number(packet.sequence) : packet.sequence.toString(),
    data: Buffer.from(packet.data).toString("base64"),
    timestamp: formatTimestamp(packet.timestamp),
    signature: Buffer.from(packet.signature).toString("base64"),
    checksum: packet.checksum,
  };
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** Refused, with a message that holds none of the longer runs of the input. */
function expectRefused(body: string | Buffer): void {
  let caught: unknown;
  try {
    decodeJsonPacket(Buffer.from(body as string));
  } catch (error) {
    caught = error;
  }
  expect(caught).toBeInstanceOf(PacketError);
  const { message, cause } = caught as PacketError;
  expect(cause).toBeUndefined();
  for (const value of Object.values(good)) {
    if (typeof value === "string") expect(message).not.toContain(value);
  }
}
