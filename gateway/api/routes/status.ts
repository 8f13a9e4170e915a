import { z } from "zod";
import { statusBody, type Status } from "../../status.ts";
import { jsonAnswer, type Route } from "../route.ts";

const noQuery = z.strictObject({});

export function statusRoute(describe: () => Status): Route<z.output<typeof noQuery>> {
  return {
    path: "/api/status",
    methods: ["GET", "HEAD"],
    summary: "Fill, freshness, rates, and warnings that name what is wrong.",
    query: noQuery,
    gives: { "application/json": statusBody },
    answer: () => jsonAnswer(describe()),
  };
}
