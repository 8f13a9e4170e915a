import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeBase64,
  decodeByteList,
  decodeHex,
  decodeParts,
  requireRandomBytes,
} from "../../../common/sources/bytes.ts";
import { isJson, parseJsonBody } from "../../../common/sources/jsonBody.ts";
import { parseJsonPath, valueAt } from "../../../common/sources/jsonPath.ts";
import { longestRetryAfter, parseRetryAfter } from "../../../common/sources/retryAfter.ts";
import { SourceError } from "../../../common/sources/source.ts";
import { atLeast, requireOk } from "../../../common/sources/statuses.ts";

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(SourceError);
    return (error as SourceError).code;
  }
  return expect.fail("took it");
}

describe("Retry-After", () => {
  const now = Date.parse("2026-01-02T03:04:05Z");
  test.each<[string | undefined, number | undefined]>([
    [undefined, undefined],
    ["", undefined],
    ["0", 0],
    ["120", 120_000],
    [" 7 ", 7000],
    ["999999999999999", longestRetryAfter],
    ["9999999999999999999999", undefined],
    ["-1", undefined],
    ["1.5", undefined],
    ["1e3", undefined],
    ["soon", undefined],
    ["Fri, 02 Jan 2026 03:05:05 GMT", 60_000],
    ["Fri, 02 Jan 2026 03:04:04 GMT", 0],
    ["Thu, 01 Jan 2099 00:00:00 GMT", longestRetryAfter],
    ["Fri, 99 Xyz 2026 03:05:05 GMT", undefined],
    ["2026-01-02T03:05:05Z", undefined],
    ["Friday, 02-Jan-26 03:05:05 GMT", undefined],
  ])("%j is %j", (header, wait) => expect(parseRetryAfter(header, now)).toBe(wait));

  test("whatever it says, the wait is none, or from 0 to an hour", () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        const wait = parseRetryAfter(header, now);
        return wait === undefined || (wait >= 0 && wait <= longestRetryAfter);
      }),
    );
  });

  const refusal = (status: number, retryAfter?: number) => {
    try {
      requireOk({ status, mediaType: "", body: Buffer.alloc(0), retryAfter });
    } catch (error) {
      return (error as SourceError).retry;
    }
    return expect.fail("took it");
  };

  test("makes a wait longer, never shorter, and brings back nothing that is over", () => {
    expect(refusal(503)).toEqual({ when: "soon" });
    expect(refusal(503, 5000)).toEqual({ when: "later", afterMilliseconds: 5000 });
    expect(refusal(302, 5000)).toEqual({ when: "later", afterMilliseconds: 5000 });
    expect(refusal(429, 5000)).toEqual({ when: "later", afterMilliseconds: 60_000 });
    expect(refusal(429, 90_000)).toEqual({ when: "later", afterMilliseconds: 90_000 });
    expect(refusal(401, 5000)).toEqual({ when: "changed" });
    expect(atLeast({ when: "soon" }, 0)).toEqual({ when: "soon" });
  });
});

describe("JSON", () => {
  const body = (text: string) => ({
    status: 200,
    mediaType: "application/json",
    body: Buffer.from(text),
  });

  test.each([
    '{"a":1,"a":1}',
    String.raw`{"a":1,"\u0061":2}`,
    '{"x":{"b":{},"c":[{"d":1,"d":[]}]}}',
    '[{"a" : 1 , "a" : 2}]',
    String.raw`{"\"":1,"\"":2}`,
  ])("a key twice in an object: %s", (text) => {
    expect(codeOf(() => parseJsonBody(body(text)))).toBe("ERR_SOURCE_FORMAT");
  });

  test.each([
    '{"a":"a","b":"a"}',
    '[{"a":1},{"a":2}]',
    '{"a":{"a":{"a":1}},"b":{"a":1}}',
    String.raw`{"a":"\"a\":","b":"{\"a\":1,\"a\":2}"}`,
  ])("the same text in other places: %s", (text) => {
    expect(parseJsonBody(body(text))).toEqual(JSON.parse(text));
  });

  test("all that JSON can say is read as JSON reads it", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(parseJsonBody(body(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  test("a long text and a deep list are read without trouble", () => {
    const text = JSON.stringify("x".repeat(2 ** 21));
    expect(parseJsonBody(body(text))).toHaveLength(2 ** 21);
    parseJsonBody(body("[".repeat(5000) + "]".repeat(5000)));
  });

  test.each([
    ["application/json", true],
    ["application/problem+json", true],
    ["application/jsonp", false],
    ["text/json", false],
    ["application/octet-stream", false],
    ["", false],
  ])("the media type %j", (type, expected) => expect(isJson(type)).toBe(expected));
});

describe("path", () => {
  test.each<[string, (string | number)[] | undefined]>([
    ["data", ["data"]],
    ["data.random[0]", ["data", "random", 0]],
    ["[3].bytes", [3, "bytes"]],
    ["[0][12]", [0, 12]],
    ["a-b._c", ["a-b", "_c"]],
    ["a.1", undefined],
    ["", undefined],
    [".a", undefined],
    ["a.", undefined],
    ["a..b", undefined],
    ["a[", undefined],
    ["a[-1]", undefined],
    ["a[99999]", undefined],
    ["a b", undefined],
    ["$.a", undefined],
    ["a[*]", undefined],
    ["a".repeat(257), undefined],
    [Array(16).fill("a").join("."), Array<string>(16).fill("a")],
    [Array(17).fill("a").join("."), undefined],
  ])("%j", (text, steps) => expect(parseJsonPath(text)).toEqual(steps));

  test.each<[string, unknown]>([
    ["a.b[1]", 2],
    ["a.b[9]", undefined],
    ["a.b.length", undefined],
    ["a.toString", undefined],
    ["a.__proto__", undefined],
    ["a[0]", undefined],
    ["text[0]", undefined],
    ["nothing.a", undefined],
    ["nothing", null],
  ])("finds only what is an own part of the value: %s", (path, found) => {
    const value = { a: { b: [1, 2] }, text: "text", nothing: null };
    expect(valueAt(value, parseJsonPath(path) ?? expect.fail())).toEqual(found);
  });
});

describe("decoding", () => {
  test.each([
    [["1"]],
    [[256]],
    [[-1]],
    [[1.5]],
    [[Number.NaN]],
    [[null]],
    [[[1]]],
    [{ 0: 1 }],
    ["1"],
  ])("%j is no list of bytes", (value) =>
    expect(codeOf(() => decodeByteList(value))).toBe("ERR_SOURCE_FORMAT"),
  );

  test("a number is what it is worth, however it is written", () => {
    expect(decodeByteList(JSON.parse("[1e2, 1.0, 255, 0]"))).toEqual(Buffer.of(100, 1, 255, 0));
  });

  test.each(["abc", "0g", "0x00", " 00", "00\n", 12, null, undefined, ["00"]])(
    "%j is no hex",
    (value) => expect(codeOf(() => decodeHex(value))).toBe("ERR_SOURCE_FORMAT"),
  );

  test.each(["QQ", "QQ=", "QR==", "QQ==\n", "Q-==", "QQ==QQ==", "====", "Q Q=", 1, null, ["QQ=="]])(
    "%j is no base64",
    (value) => expect(codeOf(() => decodeBase64(value))).toBe("ERR_SOURCE_FORMAT"),
  );

  test("hex in either case, and base64, are read back", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (array) => {
        const bytes = Buffer.from(array);
        expect(decodeHex(bytes.toString("hex"))).toEqual(bytes);
        expect(decodeHex(bytes.toString("hex").toUpperCase())).toEqual(bytes);
        expect(decodeBase64(bytes.toString("base64"))).toEqual(bytes);
      }),
    );
  });

  test("parts that were decoded before a wrong one are zeroed", () => {
    const decoded: Buffer[] = [];
    const decode = (value: unknown): Buffer => {
      const bytes = decodeHex(value);
      decoded.push(bytes);
      return bytes;
    };
    expect(codeOf(() => decodeParts(["0102", "zz"], decode))).toBe("ERR_SOURCE_FORMAT");
    expect(decoded).toEqual([Buffer.alloc(2)]);
  });
});

describe("random bytes", () => {
  const page = (text: string): Buffer => Buffer.from(text.padEnd(64, "ä"));

  test.each<[string, Buffer, string]>([
    ["the same byte all over", Buffer.alloc(64, 0xa5), "ERR_SOURCE_REPEATED"],
    ["zeros", Buffer.alloc(64), "ERR_SOURCE_REPEATED"],
    ["too few", randomBytes(63), "ERR_SOURCE_LENGTH"],
    ["too many", randomBytes(65), "ERR_SOURCE_LENGTH"],
    ["a page", page("<!DOCTYPE html><title>"), "ERR_SOURCE_FORMAT"],
    ["a page after white space", page("\r\n <HTML><title>"), "ERR_SOURCE_FORMAT"],
    ["a page after a mark", page("\ufeff<!doctype html>"), "ERR_SOURCE_FORMAT"],
    ["hex digits", Buffer.from(randomBytes(32).toString("hex")), "ERR_SOURCE_FORMAT"],
    ["a short page", Buffer.from("<html>"), "ERR_SOURCE_FORMAT"],
    ["JSON", Buffer.from(JSON.stringify({ error: "x".repeat(60) })), "ERR_SOURCE_FORMAT"],
  ])("%s are refused and zeroed", (_, bytes, code) => {
    expect(codeOf(() => requireRandomBytes(bytes, 64))).toBe(code);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
  });

  test.each([
    ["63 printable bytes and one that is not", Buffer.from(`${"x".repeat(63)}\0`)],
    ["all but one alike", Buffer.from([...Array<number>(63).fill(0), 1])],
  ])("%s are taken", (_, bytes) => expect(requireRandomBytes(bytes, 64)).toBe(bytes));
});
