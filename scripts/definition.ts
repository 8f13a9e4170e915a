import { group, kind, storedBridge, version } from "../operator/bridge/schema.ts";
import { toStructural } from "./structural.ts";

const condition = (type: string): string => `.status.conditions[?(@.type=="${type}")].status`;

/** The columns of `kubectl get`. */
const columns = [
  { name: "Topology", type: "string", jsonPath: ".spec.topology" },
  { name: "Ready", type: "string", jsonPath: condition("Ready") },
  { name: "Flowing", type: "string", jsonPath: condition("EntropyFlowing") },
  { name: "One-way", type: "string", jsonPath: condition("OneWayVerified") },
  { name: "Gateways", type: "integer", jsonPath: ".status.readyReplicas" },
  { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
];

/** The CustomResourceDefinition of QrngBridge, from its zod schema. */
export function describeResource(): object {
  const { spec, status } = storedBridge.shape;
  const plural = `${kind.toLowerCase()}s`;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        shortNames: ["qb"],
        categories: ["qrng"],
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              description:
                "Carries random bytes from quantum hardware to the programs that need them, one way.",
              type: "object",
              required: ["spec"],
              properties: {
                apiVersion: { type: "string" },
                kind: { type: "string" },
                metadata: { type: "object" },
                spec: toStructural(spec),
                status: toStructural(status.unwrap()),
              },
              "x-kubernetes-validations": toStructural(storedBridge)["x-kubernetes-validations"],
            },
          },
          subresources: {
            status: {},
            scale: {
              specReplicasPath: ".spec.gateway.replicas",
              statusReplicasPath: ".status.replicas",
              labelSelectorPath: ".status.selector",
            },
          },
          additionalPrinterColumns: columns,
        },
      ],
    },
  };
}
