import { request as httpRequest, type IncomingHttpHeaders, type RequestOptions } from "node:http";
import { request as httpsRequest, type RequestOptions as TlsOptions } from "node:https";
import type { Socket } from "node:net";

export interface Exchange {
  /** Undefined when no answer came. */
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  /** What came of the body, whether or not it came whole. */
  readonly body: Buffer;
  readonly whole: boolean;
  /** Undefined when there was no connection. */
  readonly socket: Socket | undefined;
}

export type ExchangeOptions = RequestOptions &
  TlsOptions & { readonly url: string; readonly send?: Uint8Array };

/** One request on a connection of its own unless an agent is given. Never throws. */
export async function exchange({ url, send, ...options }: ExchangeOptions): Promise<Exchange> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const start = url.startsWith("https:") ? httpsRequest : httpRequest;
  const request = start(url, { agent: false, ...options });
  const pieces: Buffer[] = [];
  let status: number | undefined;
  let headers: IncomingHttpHeaders = {};
  let whole = false;
  let socket: Socket | undefined;
  request.once("socket", (assigned: Socket) => (socket = assigned));
  request.once("response", (response) => {
    status = response.statusCode;
    headers = response.headers;
    response.on("data", (piece: Buffer) => pieces.push(piece));
    response.once("end", () => {
      whole = response.complete;
      resolve();
    });
    response.once("error", () => resolve());
  });
  request.once("error", () => resolve());
  request.once("close", resolve);
  request.end(send);
  await promise;
  return { status, headers, body: Buffer.concat(pieces), whole, socket };
}
