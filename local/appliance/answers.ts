import { randomBytes, randomInt } from "node:crypto";

/** What the simulated appliance answers: a body, or why the query is refused. */
type Answer =
  | { readonly type: "application/octet-stream" | "text/plain"; readonly body: Buffer }
  | { readonly refused: string };

const maxBytes = 2 ** 20;
const maxQuantity = 10_000;
const nameplate =
  "Quantis Appliance, simulated by QRNG Bridge: not quantum, not random hardware, for trials only";

type Answerer = (query: URLSearchParams) => Answer;

/** The API of a Quantis Appliance, version 2.0, by the name of each call. */
export const answers: ReadonlyMap<string, Answerer> = new Map<string, Answerer>([
  ["streambytes", (query) => withSize(query, raw)],
  ["hexbytes", (query) => withSize(query, (bytes) => text(bytes.toString("hex")))],
  ["int", (query) => listIntegers(query, { min: -(2 ** 31), max: 2 ** 31 - 1 })],
  ["short", (query) => listIntegers(query, { min: -(2 ** 15), max: 2 ** 15 - 1 })],
  ["float", (query) => listFractions(query, 24)],
  ["double", (query) => listFractions(query, 53)],
  ["performance", () => text("16.0")], // Mbit/s, as on the nameplate of a small one
  ["firmwareinfo", () => text(nameplate)],
  ["softwareinfo", () => text(nameplate)],
  ["systeminfo", () => text(nameplate)],
]);

function raw(body: Buffer): Answer {
  return { type: "application/octet-stream", body };
}

function text(content: string): Answer {
  return { type: "text/plain", body: Buffer.from(content) };
}

function withSize(query: URLSearchParams, answer: (bytes: Buffer) => Answer): Answer {
  const size = readInteger(query, "size", Number.NaN);
  return size >= 1 && size <= maxBytes
    ? answer(randomBytes(size))
    : { refused: `size: a whole number from 1 to ${maxBytes}` };
}

interface Range {
  readonly min: number;
  readonly max: number;
}

/** `[a,b,…]`, uniform in [min, max). */
function listIntegers(query: URLSearchParams, bounds: Range): Answer {
  const min = readInteger(query, "min", bounds.min);
  const max = readInteger(query, "max", bounds.max);
  const inside = min >= bounds.min && max <= bounds.max && min < max;
  return inside
    ? list(query, () => randomInt(min, max))
    : { refused: `min, max: whole numbers from ${bounds.min} to ${bounds.max}, min below max` };
}

/** `[a,b,…]`, in [min, max), from fractions of so many random bits. */
function listFractions(query: URLSearchParams, bits: number): Answer {
  const min = readNumber(query, "min", 0);
  const max = readNumber(query, "max", 1);
  const draw = (): number => {
    const fraction = Number(randomBytes(8).readBigUInt64BE() >> BigInt(64 - bits)) / 2 ** bits;
    const value = min + fraction * (max - min);
    return value < max ? value : draw(); // rounding can reach max
  };
  return min < max ? list(query, draw) : { refused: "min, max: decimal numbers, min below max" };
}

function list(query: URLSearchParams, draw: () => number): Answer {
  const quantity = readInteger(query, "quantity", 1);
  return quantity >= 1 && quantity <= maxQuantity
    ? text(`[${Array.from({ length: quantity }, draw).join(",")}]`)
    : { refused: `quantity: a whole number from 1 to ${maxQuantity}` };
}

function readInteger(query: URLSearchParams, name: string, fallback: number): number {
  return read(query, name, fallback, /^-?\d{1,10}$/);
}

function readNumber(query: URLSearchParams, name: string, fallback: number): number {
  return read(query, name, fallback, /^-?\d{1,15}(\.\d{1,15})?$/);
}

/** NaN for what is no such number, which then is in no range. */
function read(query: URLSearchParams, name: string, fallback: number, pattern: RegExp): number {
  const [value, ...others] = query.getAll(name);
  if (value === undefined) return fallback;
  return others.length === 0 && pattern.test(value) ? Number(value) : Number.NaN;
}
