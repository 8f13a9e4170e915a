import { z } from "zod";
import { statusBody } from "../../gateway/status.ts";
import { apiKey } from "../gateway/helpers/gateway.ts";
import { callOf, mcpHeaders } from "../mcp/helpers/calls.ts";

/** A request, and the random bytes that a right answer to it holds. */
export interface DrawRequest {
  readonly path: string;
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly send?: Buffer;
  /**
   * The bytes that were drawn, in whole blocks; undefined: the answer says that there are none.
   * @throws when the 200 is not what it should be
   */
  readonly bytesOf: (body: Buffer) => Buffer | undefined;
  /** Statuses that are right beside 200 and 503. */
  readonly alsoRight?: readonly number[];
}

const withKey = { "x-api-key": apiKey };

function get(path: string, bytesOf: DrawRequest["bytesOf"]): DrawRequest {
  return { path, method: "GET", headers: withKey, bytesOf };
}

function exactly(bytes: Buffer, length: number): Buffer {
  if (bytes.length !== length) throw new Error(`${bytes.length} bytes in place of ${length}`);
  return bytes;
}

function parse<Output>(schema: z.ZodType<Output>, body: Buffer): Output {
  return schema.parse(JSON.parse(body.toString("utf8")));
}

const binary = get("/api/random?bytes=32&encoding=binary", (body) => exactly(body, 32));

const hex = get("/api/random?bytes=1024", (body) =>
  exactly(Buffer.from(body.toString("latin1"), "hex"), 1024),
);

const large = get("/api/random?bytes=16384&encoding=base64", (body) =>
  exactly(Buffer.from(body.toString("latin1"), "base64"), 16_384),
);

const several = get("/api/random?bytes=16&count=8&encoding=base64url", (body) => {
  const values = parse(z.array(z.string()).length(8), body);
  return Buffer.concat(values.map((value) => exactly(Buffer.from(value, "base64url"), 16)));
});

/** Of the whole range each integer is the eight bytes that it was made from. */
const integers = get("/api/integers?count=8&min=0&max=18446744073709551615", (body) => {
  const words = parse(z.array(z.string()).length(8), body).map(BigInt);
  return Buffer.from(new BigUint64Array(words).buffer).swap64();
});

/** May end early for want of bytes: those that came were drawn all the same. */
const stream = get("/api/stream?bytes=131072", (body) => body);

const call = callOf(1, 256);
const mcpAnswer = z.object({
  result: z.object({ structuredContent: z.object({ data: z.string() }).optional() }),
});
const mcp: DrawRequest = {
  path: "/mcp",
  method: "POST",
  headers: mcpHeaders,
  send: Buffer.from(JSON.stringify(call)),
  bytesOf: (body) => {
    const line = body.subarray(body.indexOf("data: ") + 6);
    const { structuredContent } = parse(mcpAnswer, line).result;
    if (structuredContent === undefined && line.includes("ERR_NO_ENTROPY")) return undefined;
    return exactly(Buffer.from(structuredContent?.data ?? "", "hex"), 256);
  },
};

const status = get("/api/status", (body) => {
  parse(statusBody, body);
  return Buffer.alloc(0);
});

const wrongKey: DrawRequest = {
  ...binary,
  headers: { "x-api-key": "x".repeat(30) },
  bytesOf: () => {
    throw new Error("bytes for a wrong key");
  },
  alsoRight: [401, 429],
};

/** Every way to draw whose answer can be led back to its bytes, the usual one most often. */
export const mix: readonly DrawRequest[] = [
  ...Array.from({ length: 10 }, () => [binary, hex, several, integers]).flat(),
  mcp,
  mcp,
  large,
  status,
  stream,
  wrongKey,
];

/** What is drawn to the last block. */
export const smallest: DrawRequest = get("/api/random?bytes=16&encoding=binary", (body) =>
  exactly(body, 16),
);
