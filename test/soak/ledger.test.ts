import { expect, test } from "vitest";
import { Ledger } from "./ledger.ts";

const blocks = 150_000;

function ledgerOf(numbers: Iterable<number>): Ledger {
  const ledger = new Ledger();
  for (const number of numbers) ledger.add(number);
  return ledger;
}

const all = Array.from({ length: blocks }, (_, index) => index);

test("blocks in any order are whole, and no more than came", () => {
  const ledger = ledgerOf(all.toReversed());
  expect([ledger.count(), ledger.repeated()]).toEqual([blocks, 0]);
  expect(ledger.isWhole(blocks)).toBe(true);
  expect(ledger.isWhole(blocks - 1)).toBe(false);
  expect(ledger.isWhole(blocks + 1)).toBe(false);
});

test.each([5, 70_000, blocks - 1])("one that is missing is missed: %i", (missing) => {
  expect(ledgerOf(all.filter((block) => block !== missing)).isWhole(blocks)).toBe(false);
});

test("another one in its place is not the same", () => {
  const ledger = ledgerOf(all.map((block) => (block === 140_000 ? blocks : block)));
  expect(ledger.count()).toBe(blocks);
  expect(ledger.isWhole(blocks)).toBe(false);
});

test.each([5, 140_000])("one that comes twice is told, of a whole page too: %i", (again) => {
  const ledger = ledgerOf([...all, again]);
  expect([ledger.count(), ledger.repeated()]).toEqual([blocks, 1]);
});
