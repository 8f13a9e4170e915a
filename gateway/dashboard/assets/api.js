/** @import { Status } from "../../status.ts" */

const timeoutMilliseconds = 10_000;

/** An answer that is not the one asked for, or none at all. */
export class ApiError extends Error {
  /**
   * @param {number} status 0 when there was no answer
   * @param {string} message for the user
   * @param {number} [retryAfter] seconds
   */
  constructor(status, message, retryAfter = 0) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** The gateway that served this page, asked with one key. */
export class Api {
  #key;

  /** @param {string} key */
  constructor(key) {
    this.#key = key;
  }

  /**
   * @param {AbortSignal} signal
   * @returns {Promise<Status>}
   */
  async status(signal) {
    const response = await this.#get("api/status", signal);
    return await body(() => response.json(), signal);
  }

  /**
   * @param {number} bytes
   * @param {string} encoding
   * @param {AbortSignal} signal
   */
  async randomText(bytes, encoding, signal) {
    const response = await this.#random(bytes, encoding, signal);
    return await body(() => response.text(), signal);
  }

  /**
   * @param {number} bytes
   * @param {AbortSignal} signal
   */
  async randomBytes(bytes, signal) {
    const response = await this.#random(bytes, "binary", signal);
    return new Uint8Array(await body(() => response.arrayBuffer(), signal));
  }

  /**
   * @param {number} bytes
   * @param {string} encoding
   * @param {AbortSignal} signal
   */
  #random(bytes, encoding, signal) {
    const query = new URLSearchParams({ bytes: String(bytes), encoding });
    return this.#get(`api/random?${query}`, signal);
  }

  /**
   * @param {string} path
   * @param {AbortSignal} signal
   */
  async #get(path, signal) {
    const response = await body(
      () =>
        fetch(path, {
          // Not Authorization, which a proxy in front may need for itself.
          headers: { "x-api-key": this.#key },
          cache: "no-store",
          redirect: "error", // the key goes to this gateway only
          signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMilliseconds)]),
        }),
      signal,
    );
    if (!response.ok) throw await describe(response);
    return response;
  }
}

/**
 * @template T
 * @param {() => Promise<T>} read
 * @param {AbortSignal} signal
 */
async function body(read, signal) {
  try {
    return await read();
  } catch {
    signal.throwIfAborted();
    throw new ApiError(0, "The gateway does not answer.");
  }
}

/** @param {Response} response */
async function describe(response) {
  const { status, headers } = response;
  const seconds = Number(headers.get("retry-after"));
  const retryAfter = seconds > 0 ? seconds : 0;
  const detail = await readDetail(response);
  const wait = retryAfter > 0 ? ` Next try in ${retryAfter} s.` : "";
  if (status === 401) return new ApiError(status, "This gateway does not know the key.");
  if (status === 429)
    return new ApiError(status, `Too many requests: ${detail}.${wait}`, retryAfter);
  if (status === 503) return new ApiError(status, `No bytes now: ${detail}.${wait}`, retryAfter);
  return new ApiError(status, `The gateway answered ${status}: ${detail}.`, retryAfter);
}

/**
 * The detail of a problem (RFC 9457).
 * @param {Response} response
 * @returns {Promise<string>}
 */
async function readDetail(response) {
  try {
    const { detail, title } = await response.json();
    return String(detail ?? title).replace(/\.$/, "");
  } catch {
    return response.statusText || "no reason given";
  }
}
