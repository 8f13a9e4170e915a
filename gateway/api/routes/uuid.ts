import { z } from "zod";
import { sampleUuids } from "../../draw/sample.ts";
import { jsonAnswer, textAnswer, type Route } from "../route.ts";
import { countField, sampledRoute, waitField, type DrawDeps } from "./fields.ts";

const createQuery = ({ maxWait }: DrawDeps) =>
  z.strictObject({ count: countField(), wait: waitField(maxWait) });

export function uuidRoute(deps: DrawDeps): Route<z.output<ReturnType<typeof createQuery>>> {
  const route = {
    path: "/api/uuid",
    summary: "Random UUIDs (version 4): one as text, several as a JSON array.",
    query: createQuery(deps),
    gives: { "text/plain": z.uuidv4(), "application/json": z.array(z.uuidv4()) },
  };
  return sampledRoute(deps, route, async (next, { count }) => {
    const uuids = await sampleUuids(next, count);
    return count === 1 ? textAnswer(uuids[0] ?? "") : jsonAnswer(uuids);
  });
}
