import { z } from "zod";
import { ApiError, statusError } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import { parseObject, type ApiObject } from "./object.ts";
import type { ApiCall } from "./resources.ts";
import { parseJson } from "./transport.ts";

/** What a watch tells; an ERROR event is thrown instead. */
export type WatchEvent =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: ApiObject }
  /** Nothing changed up to here. */
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string };

const EventLine = z.looseObject({ type: z.string(), object: z.unknown() });
const Bookmark = z.looseObject({ metadata: z.looseObject({ resourceVersion: z.string() }) });

/** Twice what etcd takes by default for one object. */
const lineLimit = 4 * 2 ** 20;

/**
 * The events of a watch, in order, until the server ends it.
 * @param silence milliseconds: when nothing came for that long, it is cut
 * @throws ApiError: what the server reported (ERR_API_EXPIRED: list again), or how the stream broke
 */
export async function* watchEvents(
  call: ApiCall,
  exchange: Exchange,
  silence: number,
): AsyncGenerator<WatchEvent, void, undefined> {
  try {
    exchange.extend(silence);
    for await (const line of lines(call, exchange.chunks(), () => exchange.extend(silence))) {
      yield parseEvent(call, line);
    }
  } finally {
    exchange.close();
  }
}

function parseEvent(call: ApiCall, line: Buffer): WatchEvent {
  const parsed = EventLine.safeParse(parseJson(call, line));
  if (!parsed.success) throw new ApiError("ERR_API_FORMAT", "sends a bad event", { call });
  const { type, object } = parsed.data;
  switch (type) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
      return { type, object: parseObject(call, object) };
    case "BOOKMARK": {
      const bookmark = Bookmark.safeParse(object);
      if (!bookmark.success) throw new ApiError("ERR_API_FORMAT", "sends a bad bookmark", { call });
      return { type, resourceVersion: bookmark.data.metadata.resourceVersion };
    }
    case "ERROR":
      throw statusError(call, undefined, object);
    default:
      throw new ApiError("ERR_API_FORMAT", "sends an event of unknown type", { call });
  }
}

/** Lines of a stream, without their ends; what follows the last end is dropped, being cut short. */
export async function* lines(
  call: ApiCall,
  chunks: AsyncIterable<Buffer>,
  onChunk: () => void,
): AsyncGenerator<Buffer, void, undefined> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    onChunk();
    let start = 0;
    for (let end; (end = chunk.indexOf("\n", start)) >= 0; start = end + 1) {
      yield Buffer.concat([...parts.splice(0), chunk.subarray(start, end)]);
      length = 0;
    }
    const rest = chunk.subarray(start);
    length += rest.length;
    if (length > lineLimit) {
      throw new ApiError("ERR_API_FORMAT", `sends an event over ${lineLimit} bytes`, { call });
    }
    if (rest.length > 0) parts.push(rest);
  }
}
