import type { IncomingMessage } from "node:http";
import { free } from "./memory.ts";

const mostBytes = 16 * 2 ** 20;
const mostMilliseconds = 1_000;

/**
 * Reads on in a body that is refused, and drops it, for a second or 16 MiB at most: a connection
 * that is closed over bytes that nobody read is reset, and its client may lose the answer that says
 * what is wrong.
 */
export async function drain(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  let read = 0;
  request.on("data", (piece: Buffer) => {
    read += piece.length;
    free(piece);
    if (read > mostBytes) resolve();
  });
  request.once("close", resolve).once("error", resolve);
  const timer = setTimeout(resolve, mostMilliseconds);
  await promise;
  clearTimeout(timer);
}
