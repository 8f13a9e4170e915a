import type { IncomingMessage } from "node:http";
import { drain } from "../../common/drain.ts";
import { Problem } from "../problem.ts";

const maxBytes = 2 ** 20;

/**
 * The body as text, empty when there is none.
 * @throws Problem when it is longer than 1 MiB, or ends early
 */
export async function readBody(request: IncomingMessage): Promise<string> {
  const { "content-length": announced, "transfer-encoding": coding } = request.headers;
  // For one that announces none there is no stream that would end: server.ts sets it so.
  if (announced === undefined && coding === undefined) return "";
  const body = await collect(request, Number(announced ?? 0));
  if (body === undefined) {
    await drain(request);
    throw new Problem(413, "ERR_BODY", "the body is longer than 1 MiB", { connection: "close" });
  }
  if (!request.complete) throw new Problem(400, "ERR_BODY", "the body ended early");
  return body.toString("utf8");
}

/** What came until the end, or until the client left; undefined when it is too long. */
function collect(request: IncomingMessage, announced: number): Promise<Buffer | undefined> {
  if (announced > maxBytes) return Promise.resolve(undefined);
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
  const pieces: Buffer[] = [];
  let length = 0;
  const finish = (): void => resolve(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces));
  const take = (piece: Buffer): void => {
    length += piece.length;
    if (length <= maxBytes) {
      pieces.push(piece);
      return;
    }
    request.off("data", take).off("end", finish).off("close", finish);
    resolve(undefined);
  };
  request.on("data", take).once("end", finish).once("close", finish);
  request.once("error", () => undefined); // the client left, which `close` tells as well
  return promise;
}
