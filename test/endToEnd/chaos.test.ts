import { describe, expect, test } from "vitest";
import { chaosRound } from "../soak/chaos.ts";

/** A bound for a broken program. */
const timeout = 180_000;

describe.concurrent("while every part is killed, stopped and cut off", { timeout }, () => {
  test.each([0, 1, 2])(
    "no block is served twice or missing without account, on bridge %i",
    async (round) => {
      expect(await chaosRound(15_000, { seed: 7764, round })).toMatch(
        /^\d+ blows; blocks: drawn \d/,
      );
    },
  );
});
