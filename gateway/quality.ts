import { z } from "zod";
import { fipsTests } from "../common/health/fips.ts";
import type { FipsReport } from "../common/health/fipsMonitor.ts";

const count = () => z.number().int().nonnegative();

/** What the continuous check of incoming bytes says, before they are conditioned. */
export const qualityBody = z.strictObject({
  blocks_tested: count().describe("FIPS 140-2 blocks of 20,000 bits since the start"),
  window_blocks: count().describe("the latest of them, which the figures below are about"),
  failed_blocks: count().describe("of good bytes 0.08 % fail"),
  failures: z.strictObject(
    Object.fromEntries(fipsTests.map((test) => [test, count()])) as Record<
      (typeof fipsTests)[number],
      z.ZodNumber
    >,
  ),
  alarm: z.enum(fipsTests).nullable().describe("the test that fails too often"),
});

export type QualityReport = z.output<typeof qualityBody>;

export function describeReport(report: FipsReport): QualityReport {
  return {
    blocks_tested: report.blocks,
    window_blocks: report.windowBlocks,
    failed_blocks: report.failedBlocks,
    failures: { ...report.failures },
    alarm: report.alarm?.test ?? null,
  };
}
