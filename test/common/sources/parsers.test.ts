import fc from "fast-check";
import { expect, test } from "vitest";
import { parseAnuAnswer } from "../../../common/sources/anu.ts";
import type { GetAnswer } from "../../../common/sources/boundedGet.ts";
import { parseBytesAnswer } from "../../../common/sources/httpBytes.ts";
import { parseJsonAnswer } from "../../../common/sources/httpJson.ts";
import { parseQryptAnswer } from "../../../common/sources/qrypt.ts";
import { parseStreamBytes } from "../../../common/sources/quantis.ts";
import { SourceError } from "../../../common/sources/source.ts";
import { requireOk } from "../../../common/sources/statuses.ts";

/** A type's parser, and an answer that it takes. */
interface Parser {
  readonly name: string;
  readonly parse: (answer: GetAnswer, size: number) => Buffer;
  readonly mediaType: string;
  readonly write: (bytes: Buffer) => string | Buffer;
  /** Sizes that the config lets through are multiples of this. */
  readonly unit?: number;
}

const json = "application/json";
const jsonParser =
  (path: string[], encoding: "array" | "hex" | "base64") =>
  (answer: GetAnswer, size: number): Buffer =>
    parseJsonAnswer(answer, { path, encoding }, size);

const parsers: readonly Parser[] = [
  {
    name: "Quantis",
    parse: parseStreamBytes,
    mediaType: "application/octet-stream",
    write: (bytes) => bytes,
  },
  {
    name: "Quantis, JSON",
    parse: parseStreamBytes,
    mediaType: json,
    write: (bytes) => JSON.stringify([...bytes]),
  },
  {
    name: "Anu",
    parse: (answer, size) => {
      requireOk(answer);
      return parseAnuAnswer(answer, size);
    },
    mediaType: json,
    write: (bytes) =>
      JSON.stringify({ type: "uint8", length: bytes.length, data: [...bytes], success: true }),
  },
  {
    name: "Qrypt",
    parse: (answer, size) => {
      requireOk(answer);
      return parseQryptAnswer(answer, size);
    },
    mediaType: json,
    unit: 1024,
    write: (bytes) =>
      JSON.stringify({
        random: Array.from({ length: bytes.length / 1024 }, (_, index) =>
          bytes.toString("base64", index * 1024, (index + 1) * 1024),
        ),
      }),
  },
  {
    name: "HttpBytes",
    parse: parseBytesAnswer,
    mediaType: "application/octet-stream",
    write: (bytes) => bytes,
  },
  {
    name: "HttpJson array",
    parse: jsonParser(["a", "b"], "array"),
    mediaType: "application/vnd.example+json",
    write: (bytes) => JSON.stringify({ a: { b: [...bytes] } }),
  },
  {
    name: "HttpJson hex",
    parse: jsonParser([], "hex"),
    mediaType: json,
    write: (bytes) => JSON.stringify(bytes.toString("hex").toUpperCase()),
  },
  {
    name: "HttpJson base64",
    parse: jsonParser(["x"], "base64"),
    mediaType: json,
    write: (bytes) =>
      JSON.stringify({
        x: [bytes.subarray(0, 20).toString("base64"), bytes.subarray(20).toString("base64")],
      }),
  },
];

const sizes = fc.integer({ min: 64, max: 200 });
/** Bytes that begin with one that is no text, and are not all alike. */
const randomly = (size: number) =>
  fc
    .uint8Array({ minLength: size - 2, maxLength: size - 2 })
    .map((rest) => Buffer.from([200, ...rest, 7]));

test.each(parsers)("$name: what is written is read, whatever the bytes are", (parser) => {
  const { parse, mediaType, write, unit = 1 } = parser;
  fc.assert(
    fc.property(
      sizes.chain((size) => randomly(unit === 1 ? size : unit * (size % 3 || 3))),
      (bytes) => {
        const answer = { status: 200, mediaType, body: Buffer.from(write(bytes)) };
        expect(parse(answer, bytes.length)).toEqual(bytes);
      },
    ),
  );
});

test.each(parsers)(
  "$name: of anything else, it gives exactly so many bytes or a SourceError that quotes nothing",
  ({ parse, mediaType, write, unit = 1 }) => {
    const size = unit === 1 ? 64 : unit;
    const counts = { given: 0, refused: 0 };
    fc.assert(
      fc.property(
        randomly(size),
        fc.constantFrom(200, 200, 200, 204, 301, 400, 403, 429, 500, 599),
        fc.constantFrom(mediaType, mediaType, json, "text/html", ""),
        fc.array(edits, { maxLength: 3 }),
        (bytes, status, type, changes) => {
          const body = changes.reduce((done, change) => change(done), Buffer.from(write(bytes)));
          const before = body.toString("latin1");
          try {
            expect(parse({ status, mediaType: type, body }, size).length).toBe(size);
            counts.given += 1;
          } catch (error) {
            expect(error).toBeInstanceOf(SourceError);
            const { message, cause } = error as SourceError;
            expect(cause).toBeUndefined();
            for (let at = 0; at + 24 <= before.length; at += 24) {
              expect(message).not.toContain(before.slice(at, at + 24));
            }
            expect(body.every((byte) => byte === 0)).toBe(true);
            counts.refused += 1;
          }
        },
      ),
      { numRuns: 500 },
    );
    expect(counts.given).toBeGreaterThan(5);
    expect(counts.refused).toBeGreaterThan(50);
  },
);

const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const pieces = fc.oneof(
  // prettier-ignore
  fc.constantFrom(
    "[", "]", "{", "}", ",", '"', ":", "null", "true", "-1", "256", "1e2", "1.5", "NaN", "1e999",
    "[[1]]", "=", "==", "+", "-", "\\u0000", " ", "\0", "0", '"a":1,', '"b":[]', "<!doctype html>",
    "[".repeat(5000), '{"a":'.repeat(2000), "__proto__",
  ),
  fc.string({ unit: "binary", maxLength: 8 }),
);

/** Inserts, cuts out or overwrites. */
const edits = fc
  .tuple(place, fc.nat(12), pieces)
  .map(([where, cut, piece]) => (body: Buffer): Buffer<ArrayBuffer> => {
    const at = Math.floor(where * body.length);
    return Buffer.concat([body.subarray(0, at), Buffer.from(piece), body.subarray(at + cut)]);
  });
