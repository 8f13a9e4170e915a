import type { Deployment } from "kubernetes-types/apps/v1.js";
import type { PodTemplateSpec } from "kubernetes-types/core/v1.js";
import type { Facts } from "./facts.ts";
import { type Owned, ownedMetadata, programPods } from "./metadata.ts";
import type { Program } from "./settings.ts";

interface Pods {
  readonly program: Program;
  readonly replicas: number;
  /** Whether an old pod is gone before a new one comes. */
  readonly oneAtATime: boolean;
  readonly template: PodTemplateSpec;
}

export function buildDeployment(facts: Facts, name: string, pods: Pods): Owned<Deployment> {
  const { program, replicas, oneAtATime, template } = pods;
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: ownedMetadata(facts, name, { component: program }),
    spec: {
      replicas,
      revisionHistoryLimit: 3,
      selector: { matchLabels: programPods(facts, program) },
      strategy: oneAtATime
        ? { type: "Recreate" }
        : { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template,
    },
  };
}
