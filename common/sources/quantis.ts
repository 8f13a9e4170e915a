import type { GetAnswer } from "./boundedGet.ts";
import { decodeByteList, requireRandomBytes } from "./bytes.ts";
import type { SourceClient } from "./client.ts";
import type { EntryOf } from "./entry.ts";
import { isJson, jsonLimit, parseJsonBody } from "./jsonBody.ts";
import { retryAfter, SourceError, type Fetch } from "./source.ts";
import { requireOk } from "./statuses.ts";

/** Room for a web page as well, so that a wrong URL is told by its content type. */
const infoLimit = 65_536;

/** A Quantis Appliance, API 2.0: `GET /api/2.0/streambytes?size=N`, without credentials. */
export function fetchQuantis(client: SourceClient, entry: EntryOf<"Quantis">, size: number): Fetch {
  const base = entry.url.replace(/\/+$/, "");
  const streamUrl = new URL(`${base}/api/2.0/streambytes?size=${size}`);
  const firmwareUrl = new URL(`${base}/api/2.0/firmwareinfo`);
  let firmwareKnown = false;

  return async (signal) => {
    if (!firmwareKnown) {
      const info = await client.get({ url: firmwareUrl, limit: () => infoLimit, signal });
      refuseUnnamedSimulation(info, entry.simulated);
      firmwareKnown = true;
    }
    const limit = (mediaType: string): number => bodyLimit(mediaType, size);
    return parseStreamBytes(await client.get({ url: streamUrl, limit, signal }), size);
  };
}

/**
 * What `streambytes` answered → the bytes, by content type: the raw bytes, or a JSON array of
 * integers 0 … 255.
 * @throws SourceError when it is anything else, or not exactly `size` bytes
 */
export function parseStreamBytes(answer: GetAnswer, size: number): Buffer {
  requireOk(answer);
  const { mediaType, body } = answer;
  if (mediaType === "application/octet-stream") return requireRandomBytes(body, size);
  if (isJson(mediaType)) return requireRandomBytes(decodeByteList(parseJsonBody(answer)), size);
  body.fill(0);
  throw new SourceError(
    "ERR_SOURCE_FORMAT",
    "answers neither application/octet-stream nor application/json; is the URL the appliance's?",
  );
}

/** An answer of another type is refused anyway and may be a short page. */
function bodyLimit(mediaType: string, size: number): number {
  return isJson(mediaType) ? jsonLimit(size) : Math.max(size, infoLimit);
}

/**
 * Simulated bytes must never pass for real ones because somebody typed the wrong URL. An appliance
 * may have no such text (4xx); one that fails to give it is asked again. The appliance at the URL
 * can be exchanged for a real one, so it is asked again, in a minute.
 */
function refuseUnnamedSimulation(answer: GetAnswer, simulated: boolean): void {
  const { status, body } = answer;
  if (status < 400 || status > 499 || status === 401) requireOk(answer);
  if (simulated || !/simulated/i.test(body.toString("latin1"))) return;
  throw new SourceError(
    "ERR_SOURCE_SIMULATED",
    "calls itself simulated; say so with simulated: true, or use a real appliance",
    { retry: retryAfter(60_000) },
  );
}
