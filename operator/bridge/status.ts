import { z } from "zod";
import { flag, integer } from "../../common/config/fields.ts";
import { keyId, listBy, objectName, set, text } from "./fields.ts";

/**
 * What the operator says of a bridge. Nothing here changes while nothing happens. Not strict: an
 * older operator reads past what a newer one wrote.
 */
const generation = () => integer({ min: 0, max: Number.MAX_SAFE_INTEGER }, "generation");

/** RFC 3339, as metav1.Time writes it. */
const time = () =>
  z.iso
    .datetime()
    .meta({ unit: "time", range: "RFC 3339", format: "date-time", pattern: undefined });

const address = () =>
  text({ max: 2048, pattern: /^https?:\/\/[\x21-\x7e]+$/, expected: "a URL", unit: "URL" });

const hash = () => text({ max: 64, pattern: /^[0-9a-f]+$/, expected: "a hash", unit: "hex" });

/** The types of conditions that a bridge can have. */
export const conditionTypes = [
  "Ready",
  "Reconciling",
  "Stalled",
  "EntropyFlowing",
  "OneWayVerified",
  "CertificatesValid",
  "SigningKeyCurrent",
  "Monitored",
] as const;

/** metav1.Condition */
const condition = z
  .object({
    type: text({
      max: 316,
      pattern:
        /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$/,
      expected: "a condition's type",
      unit: "name",
    }).meta({ description: "what it says something of", example: "Ready" }),
    status: z.enum(["True", "False", "Unknown"]).meta({
      unit: "name",
      range: "True, False, Unknown",
      description: "whether it is so",
      example: "True",
    }),
    observedGeneration: generation()
      .optional()
      .meta({ description: "the spec's generation that it is of", example: 3 }),
    lastTransitionTime: time().meta({
      description: "since when status is what it is",
      example: "2026-01-02T03:04:05Z",
    }),
    reason: text({
      max: 1024,
      pattern: /^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/,
      expected: "a reason in CamelCase",
      unit: "name",
    }).meta({ description: "why, for programs", example: "ClockSkew" }),
    message: text({ min: 0, max: 32_768, pattern: /^[^\0]*$/, expected: "text" }).meta({
      description: "why and what to do, for people",
      example: "bytes have flowed",
    }),
  })
  .meta({ typeName: "Condition" });

const endpoints = z.object({
  api: address()
    .optional()
    .meta({ description: "the API in the cluster", example: "https://lab-gateway.physics:7764" }),
  push: address().optional().meta({
    description: "the push listener, with GatewayOnly",
    example: "https://lab-push.physics:7765/push",
  }),
  caConfigMap: objectName().optional().meta({
    description: "the ConfigMap with the CA of the API's certificate",
    example: "lab-ca",
  }),
  apiKeysSecret: objectName().optional().meta({
    description: "the Secret with the clients' keys",
    example: "lab-api-keys",
  }),
});

const pods = () => integer({ min: 0, max: 1000 }, "pods");

export const status = z.object({
  observedGeneration: generation()
    .optional()
    .meta({ description: "the spec's generation that the rest is of", example: 3 }),
  conditions: listBy("type", condition, { max: 16 })
    .optional()
    .meta({ description: `of these types: ${conditionTypes.join(", ")}` }),
  hasFlowed: flag()
    .optional()
    .meta({ description: "bytes have come since it was made or resumed", example: true }),
  endpoints: endpoints.optional().meta({ description: "what clients need" }),
  replicas: pods().optional().meta({ description: "gateway pods, for the scale", example: 2 }),
  readyReplicas: pods().optional().meta({ description: "those that are ready", example: 2 }),
  selector: text({ max: 1024, pattern: /^[\x20-\x7e]+$/, expected: "a label selector" })
    .optional()
    .meta({
      description: "the serving gateway pods' labels, for the scale",
      example: "qrngbridge.io/serving=true",
    }),
  signing: z
    .object({
      keyId: keyId().optional().meta({ description: "the key that signs", example: "k-7f3a" }),
      nextKeyId: keyId()
        .optional()
        .meta({ description: "the key that takes over, once published", example: "k-91c2" }),
      nextRotationTime: time()
        .optional()
        .meta({ description: "when the next rotation is due", example: "2026-02-01T00:00:00Z" }),
    })
    .optional()
    .meta({ description: "the keys that packets are signed with" }),
  certificates: z
    .object({
      notAfter: time().meta({
        description: "when the first of them ends",
        example: "2026-04-01T00:00:00Z",
      }),
      renewalTime: time().meta({
        description: "when the next is renewed",
        example: "2026-03-01T00:00:00Z",
      }),
    })
    .optional()
    .meta({ description: "the bridge's own certificates" }),
  oneWayCheck: z
    .object({
      completionTime: time().meta({
        description: "when the last check ended",
        example: "2026-01-02T03:04:05Z",
      }),
      nextTime: time().meta({
        description: "when the next is due",
        example: "2026-01-03T03:04:05Z",
      }),
      families: set(z.enum(["IPv4", "IPv6"]), { max: 2 }).meta({
        description: "the address families that it tried",
        example: ["IPv4"],
      }),
      nodes: integer({ min: 0, max: 10_000 }, "nodes").meta({
        description: "on how many nodes it ran",
        example: 3,
      }),
      policiesHash: hash().meta({
        description: "of the bridge's NetworkPolicies that it was for",
        example: "0f3c2a9b7d41e586",
      }),
      nodesHash: hash().meta({
        description: "of the names of the nodes that the bridge's pods were on",
        example: "9a1be27c04d5f368",
      }),
    })
    .optional()
    .meta({ description: "the last check that showed whether the flow runs one way" }),
});

export type BridgeStatus = z.output<typeof status>;
