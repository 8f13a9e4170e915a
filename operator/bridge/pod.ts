import { z } from "zod";
import { choice, integer } from "../../common/config/fields.ts";
import { affinity, topologySpreadConstraint } from "./affinity.ts";
import {
  annotations,
  labelKey,
  labels,
  labelValue,
  list,
  listBy,
  mapOf,
  objectName,
  text,
} from "./fields.ts";
import { type Rules, withRules } from "./rule.ts";

const toleration = z.strictObject({
  key: labelKey()
    .optional()
    .meta({ description: "the taint; all of them when left out", example: "quantum" }),
  operator: choice(["Exists", "Equal"])
    .optional()
    .meta({ description: "how its value is judged", example: "Exists", fallback: "Equal" }),
  value: labelValue().optional().meta({ description: "goes with Equal", example: "only" }),
  effect: choice(["NoSchedule", "PreferNoSchedule", "NoExecute"])
    .optional()
    .meta({ description: "which of its effects; all when left out", example: "NoSchedule" }),
  tolerationSeconds: integer({ min: 0, max: 31_536_000 }, "seconds")
    .optional()
    .meta({ description: "how long NoExecute is borne; for ever when left out", example: 60 }),
});

/** A resource.Quantity; a whole number may be written as one. */
const quantity = () =>
  z
    .union([
      z.int().min(0),
      z
        .string()
        .max(32)
        .regex(/^[0-9]+(\.[0-9]{1,3})?([KMGTPE]i|[mkMGTPE])?$/, "must be such as 100m or 64Mi"),
    ])
    .meta({
      unit: "quantity",
      range: "such as 100m or 64Mi",
      "x-kubernetes-int-or-string": true,
    });

const resources = z.strictObject({
  requests: mapOf(quantity(), 16)
    .optional()
    .meta({ description: "what a node has to have left", example: { cpu: "100m" } }),
  limits: mapOf(quantity(), 16)
    .optional()
    .meta({ description: "what it may use at most", example: { memory: "256Mi" } }),
});

const podFields = z.strictObject({
  labels: labels()
    .optional()
    .meta({ description: "more labels for pods", example: { team: "physics" } }),
  annotations: annotations()
    .optional()
    .meta({ description: "more annotations for pods", example: { "example.com/note": "lab" } }),
  imagePullSecrets: listBy(
    "name",
    z.strictObject({
      name: objectName().meta({ description: "a Secret of this namespace", example: "registry" }),
    }),
    { max: 8 },
  )
    .optional()
    .meta({ description: "credentials for the image's registry; the operator's when left out" }),
  imagePullPolicy: choice(["Always", "IfNotPresent", "Never"])
    .optional()
    .meta({ description: "when the image is pulled", example: "Always", fallback: "IfNotPresent" }),
  nodeSelector: labels()
    .optional()
    .meta({ description: "labels of the nodes that will do", example: { zone: "lab" } }),
  tolerations: list(toleration, { max: 16 })
    .optional()
    .meta({ description: "nodes' taints that do not matter" }),
  affinity: affinity.optional().meta({ description: "where pods run, as in a Pod" }),
  topologySpreadConstraints: list(topologySpreadConstraint, { max: 8 })
    .optional()
    .meta({ description: "how pods spread, as in a Pod" }),
  priorityClassName: objectName()
    .optional()
    .meta({ description: "a PriorityClass", example: "system-cluster-critical" }),
  runtimeClassName: objectName()
    .optional()
    .meta({ description: "a RuntimeClass", example: "gvisor" }),
  resources: resources
    .optional()
    .meta({ description: "of the container; the operator's defaults when left out" }),
});

export const podRules = {
  // A pod that wore another zone's label would be under that zone's policies.
  labels: {
    path: ["labels"],
    cel: "!has(self.labels) || self.labels.all(key, !key.startsWith('qrngbridge.io/'))",
    holds: ({ labels = {} }) =>
      Object.keys(labels).every((key) => !key.startsWith("qrngbridge.io/")),
    message: "labels that begin with qrngbridge.io/ are the operator's; leave them out",
  },
} satisfies Rules<z.output<typeof podFields>>;

export const pod = withRules(podFields, podRules).meta({ typeName: "Pod" });

export const image = () =>
  text({
    max: 512,
    pattern: /^[a-z0-9][-a-z0-9._:/@A-Z]*$/,
    expected: "an image such as registry.example/qrng-gateway:1.0",
    unit: "image",
  });
