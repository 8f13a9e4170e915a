import { SourceError } from "./source.ts";

/**
 * Passes random bytes on.
 * @returns the same, exactly `size` bytes
 * @throws SourceError when there are more or fewer, when all are the same byte (a device that is
 * stuck), or when they begin like a text (a page or an error in the place of bytes); zeroed then
 */
export function requireRandomBytes(bytes: Buffer, size: number): Buffer {
  const problem = problemOf(bytes, size);
  if (problem === undefined) return bytes;
  bytes.fill(0);
  throw problem;
}

function problemOf(bytes: Buffer, size: number): SourceError | undefined {
  if (beginsLikeText(bytes)) {
    return new SourceError(
      "ERR_SOURCE_FORMAT",
      "answers a text where random bytes were asked for; is the url right, or does a log-in page stand before it?",
    );
  }
  if (bytes.length !== size) {
    const which = bytes.length < size ? "fewer" : "more";
    return new SourceError("ERR_SOURCE_LENGTH", `answers with ${which} bytes than asked for`);
  }
  // `size` is 64 or more in every config; a single byte is no sign of anything.
  if (size > 1 && bytes.subarray(1).equals(bytes.subarray(0, -1))) {
    return new SourceError("ERR_SOURCE_REPEATED", "answers the same byte all over: it is stuck");
  }
  return undefined;
}

const textHead = 64;
const markup = /^(\xef\xbb\xbf)?\s*<(!doctype|html)/i;
const printable = /^[\t\n\r\x20-\x7e]*$/;

/**
 * Whether the first 64 bytes are all printable ASCII, which random ones are in 1 of 2^88 chunks
 * ((98/256)^64), or are a web page's, which may hold other letters (1 of 2^36).
 */
function beginsLikeText(bytes: Buffer): boolean {
  const head = bytes.toString("latin1", 0, textHead);
  return markup.test(head) || (bytes.length >= textHead && printable.test(head));
}

/** @throws SourceError when it is no list of integers from 0 to 255 */
export function decodeByteList(value: unknown): Buffer {
  if (!Array.isArray(value) || !value.every(isByte)) {
    throw new SourceError("ERR_SOURCE_FORMAT", "answers no list of whole numbers from 0 to 255");
  }
  return Buffer.from(value); // which would make 0 of 256
}

function isByte(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 255;
}

/** Pairs of hex digits, in either case. @throws SourceError when it is anything else */
export function decodeHex(value: unknown): Buffer {
  if (typeof value !== "string" || value.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(value)) {
    throw new SourceError("ERR_SOURCE_FORMAT", "answers no text of pairs of hex digits");
  }
  return Buffer.from(value, "hex");
}

/** Base64 with its padding (RFC 4648, section 4). @throws SourceError when it is anything else */
export function decodeBase64(value: unknown): Buffer {
  const bytes = typeof value === "string" ? Buffer.from(value, "base64") : undefined;
  // Node skips what is no base64: only what it would write itself is taken.
  if (bytes === undefined || bytes.toString("base64") !== value) {
    bytes?.fill(0);
    throw new SourceError("ERR_SOURCE_FORMAT", "answers no text of padded base64");
  }
  return bytes;
}

/**
 * Several texts' bytes in a row.
 * @throws SourceError of the first that cannot be decoded
 */
export function decodeParts(
  values: readonly unknown[],
  decode: (value: unknown) => Buffer,
): Buffer {
  const parts: Buffer[] = [];
  try {
    for (const value of values) parts.push(decode(value));
    return Buffer.concat(parts);
  } finally {
    for (const part of parts) part.fill(0);
  }
}
