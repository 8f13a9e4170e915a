import { describe, expect, test } from "vitest";
import { goldenNames } from "../build/specs.ts";
import { allowedRows } from "./scene.ts";
import { documentedRows, sorted, textOf } from "./table.ts";

describe.each(goldenNames)("%s", (name) => {
  test("may connect as the table says, and not otherwise", () => {
    expect(sorted(allowedRows(name))).toEqual(sorted(documentedRows(name)));
  });

  test("the same where blocks of addresses match pods", () => {
    expect(sorted(allowedRows(name, { ipBlocksMatchPods: true }))).toEqual(
      sorted(allowedRows(name)),
    );
  });
});

test("without the policies far more gets through, so that the tables show something", () => {
  const open = allowedRows("smallest", { policies: [] });
  expect(open).toContainEqual({ from: "gateway", to: "collector", port: "9465 TCP" });
  expect(new Set(open.map(textOf)).size).toBeGreaterThan(500);
});
