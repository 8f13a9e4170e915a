import { z } from "zod";
import { choice, flag, integer } from "../../common/config/fields.ts";
import { sourceName, sourceUrl } from "../../common/sources/config.ts";
import { checkBridge } from "./rules.ts";

/**
 * QrngBridge, `qrngbridge.io/v1alpha1`: the one resource that users write. Bounds are those of the
 * programs' configs, so that what is accepted here is accepted there. A field that is left out gets
 * the program's default.
 */
const apiVersion = "qrngbridge.io/v1alpha1";

const nameMessage = "must be lower-case letters, digits and hyphens, starting with a letter";
const bridgeName = () => z.string().max(40).regex(sourceName, nameMessage);
export const namespaceName = () =>
  z
    .string()
    .max(63)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, "must be lower-case letters, digits and hyphens");
export const objectName = () =>
  z
    .string()
    .max(253)
    .regex(
      /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/,
      "must be lower-case letters, digits, hyphens and dots",
    );
export const dataKey = () =>
  z
    .string()
    .max(253)
    .regex(/^[-._A-Za-z0-9]+$/, "must be of A-Z a-z 0-9 - . _");

const metadata = z.strictObject({
  name: bridgeName().describe("the root of every name that the bridge owns"),
  namespace: namespaceName().default("default").describe("where it and all that it owns are"),
  labels: z.record(z.string().max(317), z.string().max(63)).optional(),
  annotations: z.record(z.string().max(317), z.string().max(262_144)).optional(),
});

const caRef = z.strictObject({
  kind: choice(["ConfigMap", "Secret"]).describe("what holds it"),
  name: objectName().describe("its name, in the bridge's namespace"),
  key: dataKey().describe("the key whose value is the PEM"),
});

const source = z.strictObject({
  name: bridgeName().describe("the source's name in status, logs and metrics"),
  type: choice(["Quantis"]).describe("the interface that it speaks"),
  url: sourceUrl().describe("the appliance itself; the API's path is added"),
  chunkBytes: integer({ min: 64, max: 2 ** 20 }, "bytes")
    .optional()
    .describe("of one fetch"),
  intervalMilliseconds: integer({ min: 0, max: 3_600_000 }, "milliseconds")
    .optional()
    .describe("pause between two fetches"),
  timeoutMilliseconds: integer({ min: 100, max: 600_000 }, "milliseconds")
    .optional()
    .describe("time for one fetch"),
  caRef: caRef
    .optional()
    .describe("PEM of the CAs that may sign its certificate; the system's when left out"),
  pinnedCertificateSha256s: z
    .array(z.string().regex(/^[0-9a-fA-F]{64}$/, "must be 64 hex digits"))
    .min(1)
    .max(4)
    .optional()
    .describe("SHA-256 of the certificates that it may show; without caRef they alone are trusted"),
  simulated: flag()
    .default(false)
    .describe("this is a simulated appliance; one that is not named so is refused"),
});

/** The programs' levels, as the API's conventions write names. */
const logLevel = () => choice(["Trace", "Debug", "Info", "Warn", "Error", "Silent"]);

const collector = z.strictObject({
  bufferBytes: integer({ min: 1024, max: 2 ** 32 }, "bytes")
    .optional()
    .describe("held between fetch and push"),
  packetBytes: integer({ min: 64, max: 2 ** 20 }, "bytes")
    .optional()
    .describe("data bytes of a full packet"),
  maxAgeSeconds: integer({ min: 1, max: 86_400 }, "seconds")
    .optional()
    .describe("bytes older than this are dropped and counted"),
  logLevel: logLevel().optional().describe("the least level that is logged"),
});

const rateLimit = z.strictObject({
  requestsPerSecond: integer({ min: 1, max: 1_000_000 }, "requests")
    .optional()
    .describe("of one key, in the long run"),
  burst: integer({ min: 1, max: 1_000_000 }, "requests").optional().describe("of one key at once"),
  bytesPerSecond: integer({ min: 1, max: 2 ** 40 }, "bytes")
    .optional()
    .describe("random bytes of one key, in the long run"),
});

const push = z.strictObject({
  acceptUnbound: flag()
    .optional()
    .describe("also takes packets that are signed for no gateway in particular, from v1 senders"),
});

const gateway = z.strictObject({
  bufferBytes: integer({ min: 1024, max: 2 ** 36 }, "bytes")
    .optional()
    .describe("random bytes held at most"),
  maxAgeSeconds: integer({ min: 1, max: 604_800 }, "seconds")
    .optional()
    .describe("bytes older than this are never served"),
  overflow: choice(["Reject", "DiscardOldest"])
    .optional()
    .describe("what a full buffer does with a packet"),
  maxRequestBytes: integer({ min: 1, max: 16 * 2 ** 20 }, "bytes")
    .optional()
    .describe("random bytes of one request"),
  rateLimit: rateLimit.optional().describe("limits of each key"),
  allowQueryKey: flag()
    .optional()
    .describe("also takes a key as ?api_key=, which ends up in proxies' logs"),
  logLevel: logLevel().optional().describe("the least level that is logged"),
  push: push.optional().describe("how packets come in"),
});

const spec = z.strictObject({
  topology: choice(["InCluster", "Direct"])
    .default("InCluster")
    .describe("a collector pushes to the gateway, or the gateway fetches itself"),
  sources: z.array(source).min(1).max(16).describe("where random bytes come from"),
  collector: collector.optional().describe("goes with topology InCluster"),
  gateway: gateway.prefault({}).describe("serves the bytes"),
  tls: z.strictObject({}).optional().describe("`{}` asks for TLS on the API and the push port"),
});

export const qrngBridge = z
  .strictObject({
    apiVersion: z.literal(apiVersion, `must be ${apiVersion}`),
    kind: z.literal("QrngBridge", "must be QrngBridge"),
    metadata,
    spec,
  })
  .superRefine(checkBridge);

export type Bridge = z.output<typeof qrngBridge>;
/** As users write it. */
export type BridgeInput = z.input<typeof qrngBridge>;
export type BridgeSource = Bridge["spec"]["sources"][number];
/** What the schema knows before the rules between fields have been checked. */
export type BridgeSpec = z.output<typeof spec>;
