import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { createLogger } from "../../../common/log/logger.ts";
import { announce } from "../../../common/announce.ts";
import { listen } from "../../../common/server.ts";

/**
 * The limit: a bare node:http server that writes bodies of the same lengths from one prefilled
 * buffer. Text is encoded for each answer, as it must be where no two answers are the same, in the
 * fastest way that is known here. It knows no keys, limits or metrics, draws nothing and zeroes
 * nothing.
 */
const { values } = parseArgs({
  options: { bytes: { type: "string" }, encoding: { type: "string" }, pieces: { type: "string" } },
});
const bytes = Number(values.bytes);
const encoding =
  values.encoding === "binary" ? "binary" : values.encoding === "hex" ? "hex" : "base64";
const pieces = Number(values.pieces ?? 1);
const prefilled = Buffer.alloc(bytes, 0xa5);
const pieceBytes = 8_190;

const length = encoding === "binary" ? bytes * pieces : encoded(prefilled).join("").length;
const headers = {
  "content-type": encoding === "binary" ? "application/octet-stream" : "text/plain",
  "content-length": length,
};

const server = createServer((_request, response) => {
  response.writeHead(200, headers);
  if (pieces > 1) {
    let left = pieces;
    const next = (): void => {
      left -= 1;
      if (left === 0) response.end(prefilled);
      else response.write(prefilled, next);
    };
    next();
    return;
  }
  if (encoding === "binary") {
    response.end(prefilled);
    return;
  }
  const texts = encoded(prefilled);
  response.cork();
  for (const text of texts) response.write(text, "latin1");
  response.end();
  response.uncork();
});
const address = await listen(server, { host: "127.0.0.1", port: 0 }, "address");
announce(createLogger("limit", "info"), "api", address);

function encoded(whole: Buffer): string[] {
  const texts: string[] = [];
  for (let at = 0; at < whole.length; at += pieceBytes) {
    texts.push(whole.toString(encoding, at, Math.min(at + pieceBytes, whole.length)));
  }
  return texts;
}
