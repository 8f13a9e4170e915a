import fc from "fast-check";
import { expect, test } from "vitest";
import type { GivenByUser } from "../../../operator/signing/source.ts";
import { World } from "./world.ts";

/** What can happen to a bridge whose Secrets nobody edits; refused packets would be our fault. */
type Event =
  | { readonly kind: "pass" | "hurry" | "step clock"; readonly seconds: number }
  | { readonly kind: "operate" | "crash" | "move operator" | "add gateway"; readonly skew: number }
  | {
      readonly kind: "gateway reads" | "restart" | "partition" | "remove gateway";
      readonly which: number;
      readonly ahead: number;
    }
  | { readonly kind: "collector reads"; readonly ahead: number }
  | { readonly kind: "give"; readonly value: number };

const skew = fc.integer({ min: -30, max: 30 });
const ahead = fc.constantFrom(1, 2, Infinity);
const which = fc.nat(2);
const year = 31_536_000;

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("pass" as const), seconds: fc.nat(150) }) },
  // All gateways prompt, and the operator and the collector right behind them: as soon as it can be.
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("hurry" as const), seconds: fc.nat(70) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("operate" as const), skew }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("gateway reads" as const), which, ahead }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("collector reads" as const), ahead }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("step clock" as const),
      seconds: fc.constantFrom(-year, -60, 60, 3600, year),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom("crash" as const, "move operator" as const, "add gateway" as const),
      skew,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom("restart" as const, "partition" as const, "remove gateway" as const),
      which,
      ahead,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("give" as const),
      value: fc.constantFrom(0, 1, 0, 1, 2, 3),
    }),
  },
);

/** A lazy collector reads as late as it may, and not a moment earlier. */
function happen(world: World, event: Event, isLazy: boolean): void {
  switch (event.kind) {
    case "pass":
      return world.pass(event.seconds);
    case "hurry":
      for (const gateway of world.gateways) world.gatewayReads(gateway);
      world.operate();
      world.pass(event.seconds);
      world.operate();
      return isLazy ? undefined : world.collectorReads();
    case "step clock":
      return world.stepClock(event.seconds);
    case "operate":
      return void world.operate();
    case "crash":
      return void world.operate({ crash: true });
    case "move operator":
      return world.moveOperator();
    case "add gateway":
      return world.gateways.length < 3 ? world.addGateway(event.skew, { late: true }) : undefined;
    case "collector reads":
      return isLazy ? undefined : world.collectorReads(event.ahead);
    case "give":
      if (world.source.from === "secretRef") world.source = given(event.value);
      return;
    default: {
      const gateway = world.gateways[event.which % Math.max(1, world.gateways.length)];
      if (gateway === undefined) return;
      if (event.kind === "gateway reads") world.gatewayReads(gateway, event.ahead);
      if (event.kind === "restart") world.restartGateway(gateway);
      if (event.kind === "partition") gateway.reachable = !gateway.reachable;
      if (event.kind === "remove gateway") world.gateways.splice(event.which, 1);
    }
  }
}

/** One of four values; the last is a broken one. */
function given(value: number): GivenByUser {
  const text = value === 3 ? "not a key" : `a${value}`.repeat(32);
  return { from: "secretRef", text, use: "bound" };
}

test.each([
  ["keys of the operator's own", { from: "operator", rotationSeconds: 300, unbound: false }, 120],
  ["values of a secretRef that change back and forth", given(0), 120],
] as const)("no packet is refused, whoever is how late, with %s", async (_, source, runs) => {
  const happened = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(
      skew,
      fc.boolean(),
      fc.array(event, { minLength: 60, maxLength: 300, size: "max" }),
      async (collectorSkew, isLazy, events) => {
        const world = new World(collectorSkew);
        world.source = source;
        world.operate();
        world.addGateway(0);
        world.addGateway(-30);
        for (const event of events) {
          happen(world, event, isLazy);
          expect(await world.push()).not.toContain("signature");
        }
        for (const step of world.steps) happened.set(step, (happened.get(step) ?? 0) + 1);
      },
    ),
    { numRuns: runs, endOnFailure: true }, // shrinking takes minutes; the seed is printed,
  );
  // Else nothing was shown.
  for (const step of ["KeyPublished", "KeySwitched", "KeyRetired"]) {
    expect(happened.get(step), step).toBeGreaterThan(runs / 5);
  }
});
