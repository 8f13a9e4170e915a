import type { ServerResponse } from "node:http";
import type { Draw } from "../buffer.ts";
import { headOf, type Headers } from "./headers.ts";

/** What leaves before the next piece is made. */
export type StreamPiece = Pick<Draw, "pieces" | "release">;

/** An answer that does not depend on how it is served: by Koa, or straight by node:http. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: readonly (string | Buffer)[];
  /** After the body, drawn piece by piece as the client reads. */
  readonly stream?: AsyncIterable<StreamPiece>;
  /** Called once, when the body has left or cannot leave any more. */
  readonly release: () => void;
}

/** A client that reads nothing for so long is cut off; for twice as long, when it read a part first. */
export const stalledMilliseconds = 30_000;

/**
 * Writes the answer; Buffers are handed to the socket as they are, without a copy.
 * @param more headers that are not the answer's own
 */
export function sendAnswer(
  response: ServerResponse,
  answer: Answer,
  ...more: readonly Headers[]
): void {
  const { status, headers, body, stream, release } = answer;
  response.writeHead(status, headOf(...more, headers));
  if (stream !== undefined) {
    watch(response, release);
    // What ends the stream early must end the answer where the client sees it.
    sendStream(response, stream).catch(() => response.destroy());
    return;
  }
  writeBody(response, body);
  // The system has taken all of it, as it does with small answers: there is nothing to wait for.
  if (response.writableLength === 0) release();
  else watch(response, release);
}

function writeBody(response: ServerResponse, body: Answer["body"]): void {
  const [first] = body;
  if (body.length === 1 && typeof first === "string") {
    response.end(first, "latin1"); // Node writes the head and a lone text as one
    return;
  }
  response.cork();
  for (const piece of body) {
    if (typeof piece === "string") response.write(piece, "latin1");
    else response.write(piece);
  }
  response.end();
  response.uncork();
}

/** Releases an answer when it has left or cannot leave any more, which is so when its client stalls. */
function watch(response: ServerResponse, release: () => void): void {
  if (response.closed) {
    release(); // the client left while its answer was made
    return;
  }
  response.once("close", release);
  // Only now: a request that waits for fresh bytes is not stalled.
  response.setTimeout(stalledMilliseconds); // Node then cuts the connection
}

/** A piece is released when all of it has left; only then is the next one made. */
async function sendStream(
  response: ServerResponse,
  stream: AsyncIterable<StreamPiece>,
): Promise<void> {
  for await (const { pieces, release } of stream) {
    try {
      for (const piece of pieces) await write(response, piece);
    } finally {
      release();
    }
  }
  response.end();
}

/** Resolves when the piece has left. @throws when the client has */
async function write(response: ServerResponse, piece: Buffer): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const left = (): void => reject(new Error("the client left"));
  response.once("close", left);
  response.write(piece, (error) => (error == null ? resolve() : left()));
  try {
    await promise;
  } finally {
    response.off("close", left);
  }
}
