import type { GetAnswer } from "./boundedGet.ts";
import {
  decodeBase64,
  decodeByteList,
  decodeHex,
  decodeParts,
  requireRandomBytes,
} from "./bytes.ts";
import type { SourceClient } from "./client.ts";
import type { EntryOf } from "./entry.ts";
import { authorization } from "./httpBytes.ts";
import { jsonLimit, parseJsonBody } from "./jsonBody.ts";
import { parseJsonPath, valueAt, type JsonPath } from "./jsonPath.ts";
import { withSize } from "./sizedUrl.ts";
import { SourceError, type Fetch } from "./source.ts";
import { requireOk } from "./statuses.ts";

/** Where in an answer the bytes are, and how they are written there. */
export interface Place {
  readonly path: JsonPath;
  readonly encoding: EntryOf<"HttpJson">["encoding"];
}

/** Anything that answers a GET with JSON that holds the bytes. */
export function fetchHttpJson(
  client: SourceClient,
  entry: EntryOf<"HttpJson">,
  size: number,
): Fetch {
  const url = withSize(entry.url, size);
  const authorize = authorization(entry.auth_header);
  const place = { path: parseJsonPath(entry.path ?? "") ?? [], encoding: entry.encoding };
  const limit = (): number => jsonLimit(size);
  return async (signal) =>
    parseJsonAnswer(await client.get({ url, limit, authorize, signal }), place, size);
}

/** @throws SourceError when exactly `size` bytes, written so, are not at that place */
export function parseJsonAnswer(answer: GetAnswer, place: Place, size: number): Buffer {
  requireOk(answer);
  const value = valueAt(parseJsonBody(answer), place.path);
  if (value === undefined) {
    throw new SourceError("ERR_SOURCE_FORMAT", "answers JSON that has nothing at path");
  }
  return requireRandomBytes(decode(value, place.encoding), size);
}

function decode(value: unknown, encoding: Place["encoding"]): Buffer {
  if (encoding === "array") return decodeByteList(value);
  const decodeText = encoding === "hex" ? decodeHex : decodeBase64;
  return Array.isArray(value) ? decodeParts(value, decodeText) : decodeText(value);
}
