import { z } from "zod";
import type { ConditioningType } from "../../../common/conditioning/conditioner.ts";
import { assessments, bytesPerPoint, runMonteCarlo } from "../../../common/health/monteCarlo.ts";
import { measureQuality, minQualityBytes, type Quality } from "../../../common/health/quality.ts";
import { jsonAnswer, wholeNumber, type Route } from "../route.ts";
import { waitField, type DrawDeps } from "./fields.ts";

export interface TestDeps extends DrawDeps {
  readonly conditioning: ConditioningType;
}

/** After a hash a dead source passes every test, so an answer says what its bytes went through. */
const conditioningField = () =>
  z.string().describe("what the bytes went through before; None: they are as the source gave them");

const monteCarloQuery = ({ dispenser, maxWait }: DrawDeps) => {
  const most = Math.floor(dispenser.maxRequestBytes / bytesPerPoint);
  return z.strictObject({
    iterations: wholeNumber({ min: 1, max: most })
      .default(Math.min(10_000, most))
      .describe(`points, of ${bytesPerPoint} random bytes each`),
    wait: waitField(maxWait),
  });
};

const monteCarloBody = z.strictObject({
  estimated_pi: z.number(),
  error: z.number(),
  error_percent: z.number(),
  standard_error: z.number(),
  z_score: z.number(),
  iterations: z.int(),
  quality_assessment: z.enum(assessments),
  conditioning: conditioningField(),
});

/** π from buffered bytes, which are used up and charged as any draw. */
export function monteCarloRoute(
  deps: TestDeps,
): Route<z.output<ReturnType<typeof monteCarloQuery>>> {
  return {
    path: "/api/test/monte-carlo",
    methods: ["GET", "POST"],
    summary: "π by Monte Carlo, from bytes that are used up for it.",
    query: monteCarloQuery(deps),
    gives: { "application/json": monteCarloBody },
    answer: async ({ iterations, wait }, { key, signal }) => {
      const draw = await deps.dispenser.draw({ key, wait, signal }, iterations * bytesPerPoint);
      try {
        const result = await runMonteCarlo(draw.pieces, signal);
        return jsonAnswer({ ...result, conditioning: deps.conditioning });
      } finally {
        draw.release();
      }
    },
  };
}

const qualityQuery = ({ dispenser, maxWait }: DrawDeps) =>
  z.strictObject({
    bytes: wholeNumber({ min: minQualityBytes, max: dispenser.maxRequestBytes })
      .default(Math.min(100_000, dispenser.maxRequestBytes))
      .describe("random bytes that are tested, and used up for it"),
    wait: waitField(maxWait),
  });

const pValue = () =>
  z.number().min(0).max(1).describe("chance of a good source to be at least as far off");
const extremes = z.strictObject({ min: z.number(), max: z.number() });

const measuredBody = z.strictObject({
  conditioning: conditioningField(),
  bytes: z.int(),
  fips: z.strictObject({
    blocks: z.int().describe("of 20,000 bits"),
    failed_blocks: z.int(),
    p_value: pValue(),
    passed: z.boolean(),
    failures: z.record(z.string(), z.int()),
    ones: extremes,
    poker: extremes,
    longest_run: z.int(),
  }),
  chi_square: z.strictObject({ statistic: z.number(), degrees: z.int(), p_value: pValue() }),
  serial_correlation: z.strictObject({
    coefficient: z.number(),
    z_score: z.number(),
    p_value: pValue(),
  }),
  frequency: z.strictObject({ ones: z.int(), bits: z.int(), p_value: pValue() }),
  runs: z.strictObject({ runs: z.int(), p_value: pValue() }),
  longest_run: z.strictObject({ bits: z.int(), p_value: pValue() }),
});

/** Statistical tests on buffered bytes, which are used up and charged as any draw. */
export function qualityRoute(deps: TestDeps): Route<z.output<ReturnType<typeof qualityQuery>>> {
  return {
    path: "/api/test/quality",
    methods: ["POST"],
    summary: "Statistical tests of bytes that are used up for them.",
    query: qualityQuery(deps),
    gives: { "application/json": measuredBody },
    answer: async ({ bytes, wait }, { key, signal }) => {
      const draw = await deps.dispenser.draw({ key, wait, signal }, bytes);
      try {
        const quality = await measureQuality(draw.pieces, signal);
        return jsonAnswer(describeMeasured(quality, deps.conditioning));
      } finally {
        draw.release();
      }
    },
  };
}

function describeMeasured(quality: Quality, conditioning: ConditioningType) {
  const { fips, chiSquare, serialCorrelation, frequency, runs, longestRun } = quality;
  return {
    conditioning,
    bytes: quality.bytes,
    fips: {
      blocks: fips.blocks,
      failed_blocks: fips.failedBlocks,
      p_value: fips.pValue,
      passed: fips.passed,
      failures: fips.failures,
      ones: fips.ones,
      poker: fips.poker,
      longest_run: fips.longestRun,
    },
    chi_square: {
      statistic: chiSquare.statistic,
      degrees: chiSquare.degrees,
      p_value: chiSquare.pValue,
    },
    serial_correlation: {
      coefficient: serialCorrelation.coefficient,
      z_score: serialCorrelation.zScore,
      p_value: serialCorrelation.pValue,
    },
    frequency: { ones: frequency.ones, bits: frequency.bits, p_value: frequency.pValue },
    runs: { runs: runs.runs, p_value: runs.pValue },
    longest_run: { bits: longestRun.bits, p_value: longestRun.pValue },
  } satisfies z.output<typeof measuredBody>;
}
