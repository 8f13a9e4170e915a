import { z } from "zod";
import { certificateRules } from "./certificateRules.ts";
import { egressRules } from "./egressRules.ts";
import { namePattern, namespaceName, text } from "./fields.ts";
import { flowRules } from "./flowRules.ts";
import { type Rules, withRules } from "./rule.ts";
import { type BridgeSpec, specFields } from "./spec.ts";
import { status } from "./status.ts";
import { topologyRules } from "./topologyRules.ts";

/**
 * QrngBridge, `qrngbridge.io/v1alpha1`: the one resource that users write. From these schemas come
 * the types, the resource definition in crds/ and the reference in docs/. Bounds are those of the
 * programs' configs, so that what is accepted here is accepted there. A field that is left out and
 * has no default gets the program's.
 */
export const group = "qrngbridge.io";
export const version = "v1alpha1";
export const kind = "QrngBridge";
const apiVersion = `${group}/${version}`;

const localRules: Rules<BridgeSpec> = { ...topologyRules, ...flowRules };
export const specRules: Rules<BridgeSpec> = { ...localRules, ...egressRules, ...certificateRules };

const header = {
  apiVersion: z.literal(apiVersion, `must be ${apiVersion}`),
  kind: z.literal(kind, `must be ${kind}`),
};

export const nameRules = {
  // Names that the bridge owns are made of it, and end up in labels of 63 characters.
  name: {
    path: ["metadata", "name"],
    cel: `size(self.metadata.name) <= 40 && self.metadata.name.matches('${namePattern.source}')`,
    holds: ({ metadata: { name } }) => name.length <= 40 && namePattern.test(name),
    message:
      "must be lower-case letters, digits and hyphens, starting with a letter, at most 40 of them",
  },
} satisfies Rules<{ metadata: { name: string } }>;

const name = () => text({ max: 253, pattern: /^[^/\0]+$/, expected: "a name", unit: "name" });

function userBridge(rules: Rules<BridgeSpec>) {
  const fields = z.strictObject({
    ...header,
    metadata: z.strictObject({
      name: name(),
      namespace: namespaceName().default("default"),
      labels: z.record(z.string().max(317), z.string().max(63)).optional(),
      annotations: z.record(z.string().max(317), z.string().max(262_144)).optional(),
    }),
    spec: withRules(specFields, rules),
  });
  return withRules(fields, nameRules);
}

/** As a user's file has it. */
export const qrngBridge = userBridge(specRules);
/** The same for one machine, which has no NetworkPolicies. */
export const localBridge = userBridge(localRules);

/** As the API server gives it, which has its own say about metadata. */
export const storedBridge = withRules(
  z.looseObject({
    ...header,
    metadata: z.looseObject({
      name: name(),
      namespace: namespaceName(),
      uid: z.string(),
      resourceVersion: z.string(),
      generation: z.int(),
      labels: z.record(z.string(), z.string()).optional(),
      annotations: z.record(z.string(), z.string()).optional(),
      deletionTimestamp: z.string().optional(),
    }),
    spec: withRules(specFields, specRules).meta({ description: "what the bridge is to be" }),
    status: status.prefault({}).meta({ description: "what the operator says of it" }),
  }),
  nameRules,
);

export type Bridge = z.output<typeof qrngBridge>;
/** As users write it. */
export type BridgeInput = z.input<typeof qrngBridge>;
export type StoredBridge = z.output<typeof storedBridge>;
export type BridgeSource = BridgeSpec["sources"][number];
