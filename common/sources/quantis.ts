import { boundedGet, type GetAnswer } from "./boundedGet.ts";
import { SourceError, type Source } from "./source.ts";
import { SourceAgent, type Trust } from "./tlsAgent.ts";

export interface QuantisOptions {
  readonly name: string;
  /** The appliance itself, such as https://192.0.2.10; the API's path is added. */
  readonly url: string;
  readonly trust: Trust;
  readonly chunkBytes: number;
  /** For one request, in milliseconds. */
  readonly timeout: number;
  /** Whether the config says that this is a simulated appliance. */
  readonly simulated: boolean;
}

/** Room for a web page as well, so that a wrong URL is told by its content type. */
const infoLimit = 65_536;

/** A Quantis Appliance, API 2.0: `GET /api/2.0/streambytes?size=N`, without credentials. */
export function createQuantisSource(options: QuantisOptions): Source {
  const { name, chunkBytes, timeout, trust, simulated } = options;
  const agent = new SourceAgent(trust);
  const base = options.url.replace(/\/+$/, "");
  const streamUrl = new URL(`${base}/api/2.0/streambytes?size=${chunkBytes}`);
  const firmwareUrl = new URL(`${base}/api/2.0/firmwareinfo`);
  let firmwareKnown = false;

  const fetch = async (signal: AbortSignal): Promise<Buffer> => {
    if (!firmwareKnown) {
      const info = await boundedGet(firmwareUrl, {
        agent,
        timeout,
        signal,
        limit: () => infoLimit,
      });
      refuseUnnamedSimulation(info, simulated);
      firmwareKnown = true;
    }
    const limit = (mediaType: string): number => bodyLimit(mediaType, chunkBytes);
    return parseStreamBytes(
      await boundedGet(streamUrl, { agent, timeout, signal, limit }),
      chunkBytes,
    );
  };
  return { name, chunkBytes, fetch, close: () => agent.destroy() };
}

/**
 * What `streambytes` answered → the bytes, by content type: the raw bytes, or a JSON array of
 * integers 0 … 255.
 * @throws SourceError when it is anything else, or not exactly `size` bytes
 */
export function parseStreamBytes({ status, mediaType, body }: GetAnswer, size: number): Buffer {
  if (status !== 200) throw new SourceError("ERR_SOURCE_STATUS", `answers with status ${status}`);
  if (mediaType === "application/octet-stream") return exactly(body, size);
  if (mediaType !== "application/json") {
    throw new SourceError(
      "ERR_SOURCE_FORMAT",
      "answers neither application/octet-stream nor application/json; is the URL the appliance's?",
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(body.toString("latin1"));
  } catch {
    throw new SourceError("ERR_SOURCE_FORMAT", "answers broken JSON"); // no cause: V8 quotes it
  } finally {
    body.fill(0);
  }
  if (!Array.isArray(value) || !value.every(isByte)) {
    throw new SourceError("ERR_SOURCE_FORMAT", "answers JSON that is not an array of bytes");
  }
  return exactly(Buffer.from(value), size);
}

/** Room for `[255, 255, …]`; an answer of another type is refused anyway and may be a short page. */
function bodyLimit(mediaType: string, size: number): number {
  return mediaType === "application/json" ? size * 5 + 16 : Math.max(size, infoLimit);
}

function exactly(bytes: Buffer, size: number): Buffer {
  if (bytes.length === size) return bytes;
  bytes.fill(0);
  const which = bytes.length < size ? "fewer" : "more";
  throw new SourceError("ERR_SOURCE_LENGTH", `answers with ${which} bytes than asked for`);
}

function isByte(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 255;
}

/**
 * Simulated bytes must never pass for real ones because somebody typed the wrong URL. An appliance
 * may have no such text (4xx); one that fails to give it is asked again.
 */
function refuseUnnamedSimulation({ status, body }: GetAnswer, simulated: boolean): void {
  if (status !== 200 && (status < 400 || status > 499)) {
    throw new SourceError("ERR_SOURCE_STATUS", `answers with status ${status} for its firmware`);
  }
  if (simulated || !/simulated/i.test(body.toString("latin1"))) return;
  throw new SourceError(
    "ERR_SOURCE_SIMULATED",
    "calls itself simulated; say so with simulated: true, or use a real appliance",
  );
}
