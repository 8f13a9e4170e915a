import { z } from "zod";
import type { Draw } from "../../buffer.ts";
import type { Dispenser } from "../../draw/dispenser.ts";
import { after } from "../../limit/limit.ts";
import { encodeDraw, encodings, mediaTypes, type Encoding } from "../../encode.ts";
import { Problem } from "../../problem.ts";
import type { Answer } from "../answer.ts";
import { jsonAnswer, wholeNumber, type Caller, type Route } from "../route.ts";
import { waitField, type DrawDeps } from "./fields.ts";

const maxValues = 10_000;

function createQuery({ dispenser, maxWait }: DrawDeps) {
  return z.strictObject({
    bytes: wholeNumber({ min: 1, max: dispenser.maxRequestBytes })
      .default(32)
      .describe("random bytes, before encoding; of each value when count is given"),
    encoding: z
      .enum(encodings, `must be one of ${encodings.join(", ")}, given once`)
      .optional()
      .describe("left out: hex or binary, as Accept says"),
    count: wholeNumber({ min: 1, max: maxValues })
      .optional()
      .describe("so many values, as a JSON array of texts"),
    wait: waitField(maxWait),
  });
}

type RandomQuery = z.output<ReturnType<typeof createQuery>>;

export function randomRoute(deps: DrawDeps): Route<RandomQuery> {
  const text = z.string().describe("the encoded bytes themselves: no wrapper, no newline");
  return {
    path: "/api/random",
    methods: ["GET"],
    summary: "Random bytes.",
    query: createQuery(deps),
    gives: {
      "text/plain": text,
      "application/octet-stream": z.string().meta({ format: "binary" }),
      "application/json": z.array(text),
    },
    answer: (query, caller) => answerRandom(query, caller, deps.dispenser),
  };
}

/**
 * `GET /api/random`: the encoded bytes themselves. At once unless the query waits.
 * @throws Problem; nothing was taken then
 */
export function answerRandom(
  query: RandomQuery,
  caller: Caller,
  dispenser: Dispenser,
): Answer | Promise<Answer> {
  const { bytes, count, wait } = query;
  const encoding = query.encoding ?? (count === undefined ? negotiate(caller.accepts) : "hex");
  if (count !== undefined && encoding === "binary") {
    throw new Problem(400, "ERR_QUERY", "encoding: values of a JSON array cannot be binary");
  }
  const finish = (draw: Draw): Answer =>
    count === undefined ? encoded(draw, encoding) : listed(draw, bytes, encoding);
  const total = bytes * (count ?? 1);
  return wait === 0
    ? after(dispenser.drawNow(caller.key, total), finish)
    : dispenser.draw({ key: caller.key, wait, signal: caller.signal }, total).then(finish);
}

function encoded(draw: Draw, encoding: Encoding): Answer {
  const body = encoding === "binary" ? draw.pieces : encodeDraw(draw, encoding);
  const headers = {
    "content-type": mediaTypes[encoding],
    "content-length": body.reduce((sum, piece) => sum + piece.length, 0),
  };
  return { status: 200, headers, body, release: () => draw.release() };
}

function listed(draw: Draw, bytes: number, encoding: Encoding): Answer {
  const whole = Buffer.concat(draw.pieces);
  const values = Array.from({ length: draw.bytes / bytes }, (_, index) =>
    whole.toString(encoding as "hex", index * bytes, (index + 1) * bytes),
  );
  whole.fill(0);
  return { ...jsonAnswer(values), release: () => draw.release() };
}

function negotiate(accepts: Caller["accepts"]): Encoding {
  const type = accepts(["text/plain", "application/octet-stream"]);
  if (type === "text/plain") return "hex";
  if (type === "application/octet-stream") return "binary";
  throw new Problem(
    406,
    "ERR_ACCEPT",
    "answers are text/plain or application/octet-stream, and with count application/json",
  );
}
