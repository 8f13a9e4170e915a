import { celHasAddress, hasAddress, needsEgress } from "./hosts.ts";
import type { Rules } from "./rule.ts";
import type { BridgeSpec } from "./spec.ts";

/** What NetworkPolicies need to know; one machine has none. */
export const egressRules = {
  sourceEgress: {
    path: ["sources"],
    cel:
      "(has(self.collector) && has(self.collector.proxy)) || " +
      `self.sources.all(s, has(s.egress) || ${celHasAddress("s.url")})`,
    holds: ({ collector, sources }) =>
      collector?.proxy !== undefined ||
      sources.every(({ egress, url }) => egress !== undefined || hasAddress(url)),
    message: needsEgress,
  },
  egressBehindProxy: {
    path: ["sources"],
    cel:
      "!has(self.collector) || !has(self.collector.proxy) || " +
      "self.sources.all(s, !has(s.egress))",
    holds: ({ collector, sources }) =>
      collector?.proxy === undefined || sources.every(({ egress }) => egress === undefined),
    message: "egress of a source has no function behind collector.proxy; leave it out",
  },
} satisfies Rules<BridgeSpec>;
