import type { ConfigMap } from "kubernetes-types/core/v1.js";
import type { Facts } from "./facts.ts";
import { type Component, type Labels, type Owned, ownedMetadata } from "./metadata.ts";

interface Content {
  readonly component: Component;
  readonly data: Readonly<Record<string, string>>;
  readonly labels?: Labels | undefined;
}

export function buildConfigMap(facts: Facts, name: string, content: Content): Owned<ConfigMap> {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: ownedMetadata(facts, name, content),
    data: { ...content.data },
  };
}
