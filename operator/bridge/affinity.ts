import { z } from "zod";
import { choice, integer } from "../../common/config/fields.ts";
import { labelKey, labelValue, list, namespaceName, set } from "./fields.ts";
import { labelSelector } from "./network.ts";

/** core/v1 Affinity and TopologySpreadConstraint, as in a Pod, with bounds. */
const weight = () =>
  integer({ min: 1, max: 100 }, "points").meta({ description: "how much it counts", example: 50 });

const nodeRequirement = z.strictObject({
  key: labelKey().meta({ description: "the node's label", example: "kubernetes.io/arch" }),
  operator: choice(["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]).meta({
    description: "how it is judged",
    example: "In",
  }),
  values: set(labelValue(), { max: 16 })
    .optional()
    .meta({ description: "what it is compared with", example: ["amd64"] }),
});

const nodeTerm = z
  .strictObject({
    matchExpressions: list(nodeRequirement, { max: 8 })
      .optional()
      .meta({ description: "what the node's labels must be" }),
    matchFields: list(nodeRequirement, { max: 8 })
      .optional()
      .meta({ description: "what the node's fields must be, such as metadata.name" }),
  })
  .meta({ typeName: "NodeSelectorTerm" });

const nodeAffinity = z.strictObject({
  requiredDuringSchedulingIgnoredDuringExecution: z
    .strictObject({
      nodeSelectorTerms: list(nodeTerm, { min: 1, max: 8 }).meta({
        description: "one of them has to be met",
      }),
    })
    .optional()
    .meta({ description: "the only nodes that will do" }),
  preferredDuringSchedulingIgnoredDuringExecution: list(
    z.strictObject({
      weight: weight(),
      preference: nodeTerm.meta({ description: "the better nodes" }),
    }),
    { max: 8 },
  )
    .optional()
    .meta({ description: "nodes that are better" }),
});

const podTerm = z
  .strictObject({
    labelSelector: labelSelector.optional().meta({ description: "the pods that count" }),
    topologyKey: labelKey().meta({
      description: "the nodes' label whose equal values are one place",
      example: "kubernetes.io/hostname",
    }),
    namespaces: set(namespaceName(), { max: 8 })
      .optional()
      .meta({ description: "where those pods are, by name", example: ["physics"] }),
    namespaceSelector: labelSelector
      .optional()
      .meta({ description: "where those pods are, by labels" }),
    matchLabelKeys: set(labelKey(), { max: 8 })
      .optional()
      .meta({ description: "labels in which they equal the new pod", example: ["team"] }),
    mismatchLabelKeys: set(labelKey(), { max: 8 })
      .optional()
      .meta({ description: "labels in which they differ from the new pod", example: ["team"] }),
  })
  .meta({ typeName: "PodAffinityTerm" });

const podAffinity = z
  .strictObject({
    requiredDuringSchedulingIgnoredDuringExecution: list(podTerm, { max: 8 })
      .optional()
      .meta({ description: "the only places that will do" }),
    preferredDuringSchedulingIgnoredDuringExecution: list(
      z.strictObject({
        weight: weight(),
        podAffinityTerm: podTerm.meta({ description: "the better places" }),
      }),
      { max: 8 },
    )
      .optional()
      .meta({ description: "places that are better" }),
  })
  .meta({ typeName: "PodAffinity" });

export const affinity = z
  .strictObject({
    nodeAffinity: nodeAffinity.optional().meta({ description: "which nodes" }),
    podAffinity: podAffinity.optional().meta({ description: "beside which pods" }),
    podAntiAffinity: podAffinity.optional().meta({ description: "away from which pods" }),
  })
  .meta({ typeName: "Affinity" });

export const topologySpreadConstraint = z.strictObject({
  maxSkew: integer({ min: 1, max: 100 }, "pods").meta({
    description: "how far the numbers of pods in two places may differ",
    example: 1,
  }),
  topologyKey: labelKey().meta({
    description: "the nodes' label whose equal values are one place",
    example: "topology.kubernetes.io/zone",
  }),
  whenUnsatisfiable: choice(["DoNotSchedule", "ScheduleAnyway"]).meta({
    description: "whether a pod waits for such a place",
    example: "ScheduleAnyway",
  }),
  labelSelector: labelSelector
    .optional()
    .meta({ description: "the pods that count; this Deployment's when left out" }),
  minDomains: integer({ min: 1, max: 100 }, "places").optional().meta({
    description: "how many places there have to be; goes with DoNotSchedule",
    example: 2,
  }),
  nodeAffinityPolicy: choice(["Honor", "Ignore"]).optional().meta({
    description: "whether nodes that affinity rules out count",
    example: "Honor",
  }),
  nodeTaintsPolicy: choice(["Honor", "Ignore"]).optional().meta({
    description: "whether nodes that taints rule out count",
    example: "Ignore",
  }),
  matchLabelKeys: set(labelKey(), { max: 8 })
    .optional()
    .meta({
      description: "labels in which they equal the new pod",
      example: ["pod-template-hash"],
    }),
});
