import type { Logger } from "../log/logger.ts";
import { fetchAnu } from "./anu.ts";
import { fetchAqn } from "./aqn.ts";
import { SourceClient } from "./client.ts";
import { openDevice } from "./device.ts";
import type { HttpEntry, SourceEntry } from "./entry.ts";
import { fetchHttpBytes } from "./httpBytes.ts";
import { fetchHttpJson } from "./httpJson.ts";
import { fetchQrypt } from "./qrypt.ts";
import { fetchQuantis } from "./quantis.ts";
import type { Fetch, Source } from "./source.ts";

/** An entry of `sources` with what it left out. */
export type ListedSource = SourceEntry & FetchFields;

interface FetchFields {
  readonly fetch_chunk_size: number;
  readonly fetch_interval: number;
  readonly fetch_timeout: number;
}

/**
 * The source that an entry of the config describes, of whatever type.
 * @throws ConfigError when a file that it names cannot be read
 */
export async function createSource(entry: ListedSource, log: Logger): Promise<Source> {
  const { name, fetch_chunk_size: chunkBytes, fetch_timeout: timeout } = entry;
  if (entry.type === "File") {
    return { name, chunkBytes, ...openDevice({ path: entry.path, size: chunkBytes, timeout }) };
  }
  const client = await SourceClient.open(entry, timeout, log);
  return {
    name,
    chunkBytes,
    watched: client.watched,
    fetch: fetchOf(entry, client, chunkBytes),
    close: () => client.close(),
  };
}

function fetchOf(entry: HttpEntry, client: SourceClient, size: number): Fetch {
  switch (entry.type) {
    case "Quantis":
      return fetchQuantis(client, entry, size);
    case "Anu":
      return fetchAnu(client, entry.url, size);
    case "Aqn":
      return fetchAqn(client, entry.url, size);
    case "Qrypt":
      return fetchQrypt(client, entry.url, size);
    case "HttpBytes":
      return fetchHttpBytes(client, entry, size);
    case "HttpJson":
      return fetchHttpJson(client, entry, size);
  }
}
