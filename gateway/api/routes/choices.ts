import { z } from "zod";
import { sampleBelow, shuffle } from "../../draw/sample.ts";
import { jsonAnswer, wholeNumber, type Route } from "../route.ts";
import { countField, sampledRoute, waitField, type DrawDeps } from "./fields.ts";

const maxItems = 1_000;

const items = () => {
  const expected = `must be 1 to ${maxItems} texts separated by commas, given once`;
  return z
    .string(expected)
    .min(1, expected)
    .transform((text) => text.split(","))
    .refine((list) => list.length <= maxItems, expected)
    .describe("texts separated by commas")
    .meta({ type: "string" });
};

const choiceQuery = ({ maxWait }: DrawDeps) =>
  z.strictObject({ items: items(), count: countField(), wait: waitField(maxWait) });

export function choiceRoute(deps: DrawDeps): Route<z.output<ReturnType<typeof choiceQuery>>> {
  const route = {
    path: "/api/choice",
    summary: "Items of a list, each chosen uniformly and independently.",
    query: choiceQuery(deps),
    gives: { "application/json": z.array(z.string()) },
  };
  return sampledRoute(deps, route, async (next, { items: list, count }) => {
    const chosen = await sampleBelow(next, count, list.length);
    return jsonAnswer(chosen.map((index) => list[index]));
  });
}

const shuffleQuery = ({ maxWait }: DrawDeps) =>
  z.strictObject({ items: items(), wait: waitField(maxWait) });

export function shuffleRoute(deps: DrawDeps): Route<z.output<ReturnType<typeof shuffleQuery>>> {
  const route = {
    path: "/api/shuffle",
    summary: "A list in a uniformly random order.",
    query: shuffleQuery(deps),
    gives: { "application/json": z.array(z.string()) },
  };
  return sampledRoute(deps, route, async (next, query) =>
    jsonAnswer(await shuffle(next, query.items)),
  );
}

const diceQuery = ({ maxWait }: DrawDeps) =>
  z.strictObject({
    sides: wholeNumber({ min: 2, max: 1_000_000 }).default(6).describe("of each die"),
    count: countField(),
    wait: waitField(maxWait),
  });

export function diceRoute(deps: DrawDeps): Route<z.output<ReturnType<typeof diceQuery>>> {
  const route = {
    path: "/api/dice",
    summary: "Throws of dice, 1 to sides.",
    query: diceQuery(deps),
    gives: { "application/json": z.array(z.int().positive()) },
  };
  return sampledRoute(deps, route, async (next, { sides, count }) => {
    const throws = await sampleBelow(next, count, sides);
    return jsonAnswer(throws.map((side) => side + 1));
  });
}
