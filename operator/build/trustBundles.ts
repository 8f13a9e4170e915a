import type { ConfigMap } from "kubernetes-types/core/v1.js";
import { buildConfigMap } from "./configMap.ts";
import type { Facts } from "./facts.ts";
import { caKey } from "./files.ts";
import type { Component, Owned } from "./metadata.ts";
import { collectorCaName, serverCaName } from "./names.ts";

/** The CAs that each side needs to know the other by, for pods and for people to hand on. */
export function buildTrustBundles(facts: Facts): Owned<ConfigMap>[] {
  const { bridge, trust } = facts;
  return [
    ...buildBundle(facts, serverCaName(bridge), "gateway", trust.servers),
    ...buildBundle(facts, collectorCaName(bridge), "collector", trust.collectors),
  ];
}

function buildBundle(facts: Facts, name: string, component: Component, pem: string | undefined) {
  return pem === undefined
    ? []
    : [buildConfigMap(facts, name, { component, data: { [caKey]: pem } })];
}
