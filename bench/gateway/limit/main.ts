import { createServer, type ServerResponse } from "node:http";
import { parseArgs } from "node:util";
import { createLogger } from "../../../common/log/logger.ts";
import { announce } from "../../../common/announce.ts";
import { listen } from "../../../common/server.ts";
import { inFlightBytes } from "../feed.ts";

/**
 * The limit: a bare node:http server that writes bodies of the same lengths from a prefilled buffer,
 * one after the other, as no two answers may be the same; text is encoded for each, in the fastest
 * way that is known here. It goes through as much memory as the gateway does here. It knows no keys, limits or
 * metrics, draws nothing and zeroes nothing.
 */
const { values } = parseArgs({
  options: { bytes: { type: "string" }, encoding: { type: "string" }, pieces: { type: "string" } },
});
const bytes = Number(values.bytes);
const encoding =
  values.encoding === "binary" ? "binary" : values.encoding === "hex" ? "hex" : "base64";
const pieces = Number(values.pieces ?? 1);
const prefilled = Buffer.alloc(16 * 2 ** 20 + inFlightBytes, 0xa5);
const pieceBytes = 8_190;

let at = 0;
/** Where the next body begins. */
function next(): number {
  at = at + bytes > prefilled.length ? 0 : at;
  const start = at;
  at += bytes;
  return start;
}

const length = encoding === "binary" ? bytes * pieces : encoded(0).join("").length;
const headers = {
  "content-type": encoding === "binary" ? "application/octet-stream" : "text/plain",
  "content-length": length,
};

const server = createServer((_request, response) => {
  response.writeHead(200, headers);
  if (encoding === "binary") writeBinary(response);
  else writeText(response);
});
const address = await listen(server, { host: "127.0.0.1", port: 0 }, "address");
announce(createLogger("limit", "info"), "api", address);

function writeBinary(response: ServerResponse): void {
  let left = pieces;
  const write = (): void => {
    const start = next();
    const piece = prefilled.subarray(start, start + bytes);
    left -= 1;
    if (left === 0) response.end(piece);
    else response.write(piece, write);
  };
  write();
}

function writeText(response: ServerResponse): void {
  const [first, ...more] = encoded(next());
  if (more.length === 0) {
    response.end(first, "latin1");
    return;
  }
  response.cork();
  response.write(first, "latin1");
  for (const text of more) response.write(text, "latin1");
  response.end();
  response.uncork();
}

function encoded(start: number): string[] {
  const texts: string[] = [];
  const end = start + bytes;
  for (let from = start; from < end; from += pieceBytes) {
    texts.push(prefilled.toString(encoding, from, Math.min(from + pieceBytes, end)));
  }
  return texts;
}
