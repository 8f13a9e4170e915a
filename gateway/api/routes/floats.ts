import { z } from "zod";
import { sampleFloats } from "../../draw/sample.ts";
import { jsonAnswer, type Route } from "../route.ts";
import { countField, sampledRoute, waitField, type DrawDeps } from "./fields.ts";

const createQuery = ({ maxWait }: DrawDeps) =>
  z.strictObject({ count: countField(), wait: waitField(maxWait) });

export const floatList = z.array(z.number().gte(0).lt(1));

export function floatsRoute(deps: DrawDeps): Route<z.output<ReturnType<typeof createQuery>>> {
  const route = {
    path: "/api/floats",
    summary: "Uniform numbers of [0, 1), with 53 random bits.",
    query: createQuery(deps),
    gives: { "application/json": floatList },
  };
  return sampledRoute(deps, route, async (next, { count }) =>
    jsonAnswer(await sampleFloats(next, count)),
  );
}
