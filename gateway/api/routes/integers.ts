import { z } from "zod";
import {
  fitsNumber,
  maxInt64,
  maxSampleBelow,
  maxUint64,
  minInt64,
  sampleBelow,
  sampleIntegers,
  type NextBytes,
} from "../../draw/sample.ts";
import { Problem } from "../../problem.ts";
import { jsonAnswer, type Route } from "../route.ts";
import { countField, sampledRoute, waitField, type DrawDeps } from "./fields.ts";

/** An integer of signed or unsigned 64 bits, as decimal text. */
const bound = (name: string) => {
  const expected = "must be a whole number of signed or unsigned 64 bits, given once";
  return z
    .string(expected)
    .regex(/^(?:0|-?[1-9]\d{0,19})$/, expected)
    .transform(BigInt)
    .refine((value) => value >= minInt64 && value <= maxUint64, expected)
    .describe(name)
    .meta({ type: "integer", pattern: undefined });
};

function createQuery({ maxWait }: DrawDeps) {
  return z.strictObject({
    count: countField(),
    min: bound("the least value, inclusive").default(0n),
    max: bound("the greatest value, inclusive").default(100n),
    wait: waitField(maxWait),
  });
}

type IntegersQuery = z.output<ReturnType<typeof createQuery>>;

export const integerList = z
  .array(z.union([z.int(), z.string().regex(/^-?\d+$/)]))
  .describe("numbers while the whole range is exact in JSON (±(2^53 − 1)), else decimal texts");

export function integersRoute(deps: DrawDeps): Route<IntegersQuery> {
  const route = {
    path: "/api/integers",
    summary: "Uniform integers of a range, both ends included.",
    query: createQuery(deps),
    gives: { "application/json": integerList },
  };
  return sampledRoute(deps, route, async (next, query) =>
    jsonAnswer(await drawIntegers(next, query)),
  );
}

/**
 * @returns numbers while the whole range is exact as JSON numbers, else decimal texts
 * @throws Problem 400 for a range that is reversed or wider than 64 bits
 */
export async function drawIntegers(
  next: NextBytes,
  range: { count: number; min: bigint; max: bigint },
): Promise<(number | string)[]> {
  const { min, max } = range;
  if (min > max) throw new Problem(400, "ERR_QUERY", "min: must not be above max");
  if (min < 0n && max > maxInt64) {
    throw new Problem(
      400,
      "ERR_QUERY",
      "min and max: must fit signed or unsigned 64 bits together",
    );
  }
  const size = max - min + 1n;
  if (fitsNumber(range) && size <= BigInt(maxSampleBelow)) {
    return sampleBelow(next, range.count, Number(size), Number(min));
  }
  const integers = await sampleIntegers(next, range);
  return fitsNumber(range) ? integers.map(Number) : integers.map(String);
}
