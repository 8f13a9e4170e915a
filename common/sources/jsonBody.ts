import type { GetAnswer } from "./boundedGet.ts";
import { SourceError } from "./source.ts";

/** Room for what stands around the bytes, and for an error's page, so that it is told as one. */
const roomAround = 65_536;
/** The longest form of a byte is an item of a list, `255, `. */
const charactersPerByte = 5;

/** Characters that a JSON answer of so many random bytes may have. */
export function jsonLimit(size: number): number {
  return size * charactersPerByte + roomAround;
}

/**
 * A JSON answer's value; its text is zeroed.
 * @throws SourceError when the media type is not JSON, when it is broken, or when an object names a
 * key twice, which readers take in different ways
 */
export function parseJsonBody({ mediaType, body }: GetAnswer): unknown {
  if (!isJson(mediaType)) {
    body.fill(0);
    throw new SourceError(
      "ERR_SOURCE_FORMAT",
      `answers no JSON by its content type${mediaType === "text/html" ? " but a web page" : ""}; is the url right?`,
    );
  }
  const text = body.toString("utf8");
  body.fill(0);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new SourceError("ERR_SOURCE_FORMAT", "answers broken JSON"); // no cause: V8 quotes it
  }
  if (namesKeyTwice(text)) {
    throw new SourceError("ERR_SOURCE_FORMAT", "answers JSON with a key written twice");
  }
  return value;
}

/** `application/json`, or a type that ends with `+json` (RFC 6839, section 3.1). */
export function isJson(mediaType: string): boolean {
  return /^application\/([a-z0-9.-]+\+)?json$/.test(mediaType);
}

/** @throws SourceError when it is no object */
export function requireObject(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new SourceError("ERR_SOURCE_FORMAT", "answers no JSON object");
}

const tokens = /"([^"\\]*(?:\\.[^"\\]*)*)"(\s*:)?|[{}]/g;

/** Of a text that is JSON: its strings and braces are all that is looked at. */
function namesKeyTwice(text: string): boolean {
  const open: Set<string>[] = [];
  for (const [token, , colon] of text.matchAll(tokens)) {
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (colon !== undefined) {
      const key = JSON.parse(token.slice(0, -colon.length)) as string; // escapes are other spellings
      const keys = open.at(-1);
      if (keys?.has(key)) return true;
      keys?.add(key);
    }
  }
  return false;
}
