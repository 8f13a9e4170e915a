import type { Dispenser, Drawer } from "../../draw/dispenser.ts";
import type { NextBytes } from "../../draw/sample.ts";
import type { Answer } from "../answer.ts";
import { wholeNumber, type Caller, type Route } from "../route.ts";

export interface DrawDeps {
  readonly dispenser: Dispenser;
  /** Milliseconds. */
  readonly maxWait: number;
}

/** How many numbers one request may ask for. */
export const maxCount = 10_000;

export const countField = () =>
  wholeNumber({ min: 1, max: maxCount }).default(1).describe("how many");

/** Seconds in the query, milliseconds in the code. */
export const waitField = (maxWait: number) =>
  wholeNumber({ min: 0, max: Math.floor(maxWait / 1000) })
    .default(0)
    .transform((seconds) => seconds * 1000)
    .describe("seconds to wait for fresh bytes, instead of 503 at once");

/** A route whose answer is made from as many random bytes as its sampler asks for. */
export function sampledRoute<Query extends { wait: number }>(
  { dispenser }: DrawDeps,
  route: Omit<Route<Query>, "methods" | "answer">,
  sample: (next: NextBytes, query: Query) => Promise<Answer>,
): Route<Query> {
  const answer = (query: Query, { key, signal }: Caller): Promise<Answer> =>
    sample(drawFor(dispenser, { key, wait: query.wait, signal }), query);
  return { ...route, methods: ["GET"], answer };
}

/** Draws for a sampler; the bytes are a copy that the sampler zeroes. */
export function drawFor(dispenser: Dispenser, drawer: Drawer): NextBytes {
  return async (count) => {
    const draw = await dispenser.draw(drawer, count);
    const bytes = Buffer.concat(draw.pieces);
    draw.release();
    return bytes;
  };
}
