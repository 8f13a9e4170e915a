import type { GetAnswer } from "./boundedGet.ts";
import { decodeBase64, decodeParts, requireRandomBytes } from "./bytes.ts";
import { bearer, type SourceClient } from "./client.ts";
import { jsonLimit, parseJsonBody, requireObject } from "./jsonBody.ts";
import { paced } from "./paced.ts";
import { qryptBlock, qryptPause } from "./providers.ts";
import { retryAfter, SourceError, type Fetch } from "./source.ts";
import { requireOk, type Meanings } from "./statuses.ts";

const meanings: Meanings = {
  403: {
    code: "ERR_SOURCE_LIMIT",
    text: "says that the account's allotment is used up (403)",
    retry: retryAfter(60_000),
  },
  429: {
    code: "ERR_SOURCE_LIMIT",
    text: "was asked too often (429): others use the same token",
    retry: retryAfter(10_000),
  },
  503: {
    code: "ERR_SOURCE_LIMIT",
    text: "has no random bytes left (503)",
    retry: retryAfter(10_000),
  },
};

/** Qrypt: `GET /api/v1/quantum-entropy?size=1..512` (KiB) with a bearer token. */
export function fetchQrypt(client: SourceClient, url: string, size: number): Fetch {
  const base = url.replace(/\/+$/, "");
  const asked = new URL(`${base}/api/v1/quantum-entropy?size=${size / qryptBlock}`);
  return paced(qryptPause, async (signal) => {
    const answer = await client.get({
      url: asked,
      limit: () => jsonLimit(size),
      authorize: bearer,
      signal,
    });
    requireOk(answer, meanings);
    return parseQryptAnswer(answer, size);
  });
}

/**
 * `{random: [base64 of 1 KiB, …]}` → the bytes.
 * @throws SourceError when it is anything else, or not exactly `size` bytes
 */
export function parseQryptAnswer(answer: GetAnswer, size: number): Buffer {
  const { random } = requireObject(parseJsonBody(answer));
  if (!Array.isArray(random)) throw new SourceError("ERR_SOURCE_FORMAT", "answers no list");
  return requireRandomBytes(decodeParts(random, decodeBlock), size);
}

function decodeBlock(value: unknown): Buffer {
  const bytes = decodeBase64(value);
  if (bytes.length === qryptBlock) return bytes;
  bytes.fill(0);
  throw new SourceError("ERR_SOURCE_LENGTH", "answers a block that is not 1 KiB");
}
