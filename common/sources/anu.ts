import type { GetAnswer } from "./boundedGet.ts";
import { decodeByteList, requireRandomBytes } from "./bytes.ts";
import type { SourceClient } from "./client.ts";
import { jsonLimit, parseJsonBody, requireObject } from "./jsonBody.ts";
import { paced } from "./paced.ts";
import { anuPause } from "./providers.ts";
import { retryAfter, SourceError, type Fetch } from "./source.ts";
import { requireOk, type Meanings } from "./statuses.ts";

const meanings: Meanings = {
  // Its way to say that it was asked twice in a minute, in plain text.
  500: {
    code: "ERR_SOURCE_LIMIT",
    text: "fails (500), as it does when anybody here asked it less than a minute ago",
    retry: retryAfter(anuPause),
  },
};

/** ANU's public service: `GET …/jsonI.php?length=1..1024&type=uint8`, without credentials. */
export function fetchAnu(client: SourceClient, url: string, size: number): Fetch {
  const asked = lengthUrl(url, size);
  return paced(anuPause, async (signal) => {
    const answer = await client.get({ url: asked, limit: () => jsonLimit(size), signal });
    requireOk(answer, meanings);
    return parseAnuAnswer(answer, size);
  });
}

/** How both of ANU's services are asked for so many bytes. */
export function lengthUrl(url: string, size: number): URL {
  return new URL(`${url}?length=${size}&type=uint8`);
}

/**
 * `{success: true, type: "uint8", length: 3 or "3", data: [1, 2, 3]}` → the bytes.
 * @throws SourceError when it is anything else, or not exactly `size` bytes
 */
export function parseAnuAnswer(answer: GetAnswer, size: number): Buffer {
  const { success, type, length, data } = requireObject(parseJsonBody(answer));
  if (success !== true) {
    throw new SourceError("ERR_SOURCE_LIMIT", "says that it has no bytes to give now", {
      retry: retryAfter(anuPause),
    });
  }
  if (type !== "uint8") throw new SourceError("ERR_SOURCE_FORMAT", "answers another type");
  if (length !== size && length !== String(size)) {
    throw new SourceError("ERR_SOURCE_LENGTH", "names another length than asked for");
  }
  return requireRandomBytes(decodeByteList(data), size);
}
