import type { GetAnswer } from "./boundedGet.ts";
import { requireRandomBytes } from "./bytes.ts";
import { bearer, type SourceClient } from "./client.ts";
import type { EntryOf } from "./entry.ts";
import { withSize } from "./sizedUrl.ts";
import { SourceError, type Fetch } from "./source.ts";
import { requireOk } from "./statuses.ts";

/** Room for a page or an error, so that it is told as one. */
const roomForPage = 65_536;

/** Anything that answers a GET with the bytes themselves. */
export function fetchHttpBytes(
  client: SourceClient,
  entry: EntryOf<"HttpBytes">,
  size: number,
): Fetch {
  const url = withSize(entry.url, size);
  const authorize = authorization(entry.auth_header);
  const limit = (): number => Math.max(size, roomForPage);
  return async (signal) =>
    parseBytesAnswer(await client.get({ url, limit, authorize, signal }), size);
}

/** Where a credential goes: the named header takes it as it is. */
export function authorization(header: string | undefined) {
  return header === undefined
    ? bearer
    : (credential: string): Record<string, string> => ({ [header.toLowerCase()]: credential });
}

/** @throws SourceError when it is not exactly `size` bytes as `application/octet-stream` */
export function parseBytesAnswer(answer: GetAnswer, size: number): Buffer {
  requireOk(answer);
  if (answer.mediaType === "application/octet-stream") return requireRandomBytes(answer.body, size);
  answer.body.fill(0);
  throw new SourceError(
    "ERR_SOURCE_FORMAT",
    "answers no application/octet-stream; is the url right? For JSON there is type HttpJson",
  );
}
