import { z } from "zod";
import { describeIssues } from "../../../common/config/issues.ts";
import type { EntropyBuffer } from "../../buffer.ts";
import { encodeDraw, encodings, mediaTypes, type Encoding } from "../../encode.ts";
import { Problem } from "../../problem.ts";
import { noStore, type Answer } from "../answer.ts";
import type { ApiKey } from "../keys.ts";
import { charge } from "../limits.ts";

/** What `GET /api/random` needs to know of a request. */
export interface RandomFacts {
  readonly query: Readonly<Record<string, unknown>>;
  /** The best of the media types for what the client accepts; undefined when none is. */
  readonly accepts: (types: readonly string[]) => string | undefined;
  readonly key: ApiKey;
  /** Monotonic milliseconds. */
  readonly now: number;
}

export interface RandomDeps {
  readonly buffer: EntropyBuffer;
  readonly maxRequestBytes: number;
}

const defaultBytes = 32;

const randomQuery = z.strictObject({
  bytes: z
    .string("must be given once")
    .regex(/^[1-9]\d{0,8}$/, "must be a whole number from 1")
    .transform(Number)
    .default(defaultBytes),
  encoding: z.enum(encodings, `must be one of ${encodings.join(", ")}, given once`).optional(),
});

/**
 * `GET /api/random?bytes&encoding`: the encoded bytes themselves. The charge comes before the work;
 * when there are not enough fresh bytes nothing is taken from the buffer.
 * @throws Problem
 */
export function answerRandom(facts: RandomFacts, { buffer, maxRequestBytes }: RandomDeps): Answer {
  const parsed = randomQuery.safeParse(facts.query);
  if (!parsed.success) throw new Problem(400, "ERR_QUERY", describeIssues(parsed.error));
  const { bytes } = parsed.data;
  if (bytes > maxRequestBytes) {
    throw new Problem(400, "ERR_QUERY", `bytes: must be at most ${maxRequestBytes}`);
  }
  const encoding = parsed.data.encoding ?? negotiate(facts.accepts);
  charge(facts.key, bytes, facts.now);
  const draw = buffer.take(bytes);
  if (draw === undefined) {
    throw new Problem(503, "ERR_NO_ENTROPY", "fewer fresh bytes than asked for; none was taken", {
      "retry-after": "1",
      connection: "close", // so that the client's next try finds another replica
    });
  }
  const body = encoding === "binary" ? draw.pieces : encodeDraw(draw, encoding);
  const headers = {
    ...noStore,
    "content-type": mediaTypes[encoding],
    "content-length": body.reduce((sum, piece) => sum + piece.length, 0),
    vary: "accept",
  };
  return { status: 200, headers, body, release: () => draw.release() };
}

function negotiate(accepts: RandomFacts["accepts"]): Encoding {
  const type = accepts(["text/plain", "application/octet-stream"]);
  if (type === "text/plain") return "hex";
  if (type === "application/octet-stream") return "binary";
  throw new Problem(406, "ERR_ACCEPT", "answers are text/plain or application/octet-stream");
}
