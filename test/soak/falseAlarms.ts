import { cutoffsOf } from "../../common/health/cutoffs.ts";
import { countAlarms, expectedAlarms, poissonPValue } from "../helpers/falseAlarms.ts";
import { seededBytes } from "../helpers/seededBytes.ts";
import type { SoakPart } from "./part.ts";

/** 10^9 bits. */
const roundBytes = 125_000_000;
/** A wrong verdict about good tests once in 10^9 soaks. */
const least = 1e-9;

/**
 * The continuous tests on good bytes at e = 20, where they alarm often enough to be counted: as
 * often as computed, 7.4 and 0.3 times in 10^9 bits. At least one round, whatever the time.
 */
export const soakFalseAlarms: SoakPart = async ({ milliseconds, say }) => {
  const cutoffs = cutoffsOf(8_000, 20);
  const seed = Math.floor(Math.random() * 2 ** 32);
  const nextBytes = seededBytes(seed);
  const end = performance.now() + milliseconds;
  const counts = { "repetition count": 0, "adaptive proportion": 0 };
  let bytes = 0;
  do {
    const found = countAlarms(nextBytes, roundBytes, cutoffs);
    bytes += roundBytes;
    for (const test of tests) counts[test] += found[test];
    say(
      `${bytes / roundBytes} × 10^9 bits: ${tests.map((test) => `${test} ${counts[test]}`).join(", ")}`,
    );
    await Promise.resolve();
  } while (performance.now() < end);
  const expected = expectedAlarms(bytes, cutoffs);
  const rows = tests.map(
    (test) => [test, `${counts[test]}, expected ${expected[test].toFixed(1)}`] as const,
  );
  const problems = tests
    .filter((test) => poissonPValue(counts[test], expected[test]) < least)
    .map((test) => `${test}: ${counts[test]} alarms, expected ${expected[test].toFixed(1)}`);
  return { rows: [["seed", String(seed)], ...rows], problems };
};

const tests = ["repetition count", "adaptive proportion"] as const;
