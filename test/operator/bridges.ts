import fc from "fast-check";
import { type Bridge, type BridgeInput, qrngBridge } from "../../operator/bridge/schema.ts";
import type { CollectorFacts } from "../../operator/build/collectorConfig.ts";
import type { GatewayFacts } from "../../operator/build/gatewayConfig.ts";

type SpecInput = BridgeInput["spec"];

/** The smallest bridge, with these fields of its spec. */
export function bridgeInput(spec: Partial<SpecInput> = {}): BridgeInput {
  return {
    apiVersion: "qrngbridge.io/v1alpha1",
    kind: "QrngBridge",
    metadata: { name: "lab-bridge", namespace: "physics" },
    spec: { sources: [{ name: "lab", type: "Quantis", url: "https://192.0.2.10" }], ...spec },
  };
}

export function makeBridge(spec: Partial<SpecInput> = {}): Bridge {
  return qrngBridge.parse(bridgeInput(spec));
}

/** Every field of a bridge with a collector that the programs' configs know. */
export const fullSpec: SpecInput & Required<Pick<SpecInput, "sources">> = {
  topology: "InCluster",
  sources: [
    {
      name: "lab",
      type: "Quantis",
      url: "https://192.0.2.10",
      chunkBytes: 8192,
      intervalMilliseconds: 250,
      timeoutMilliseconds: 5000,
      caRef: { kind: "ConfigMap", name: "lab-ca", key: "ca.crt" },
      pinnedCertificateSha256s: ["ab".repeat(32)],
    },
    { name: "bench", type: "Quantis", url: "https://127.0.0.1:7766", simulated: true },
  ],
  collector: { bufferBytes: 1_048_576, packetBytes: 4096, maxAgeSeconds: 60, logLevel: "Debug" },
  gateway: {
    bufferBytes: 2_097_152,
    maxAgeSeconds: 600,
    overflow: "DiscardOldest",
    maxRequestBytes: 65_536,
    rateLimit: { requestsPerSecond: 10, burst: 20, bytesPerSecond: 100_000 },
    allowQueryKey: true,
    logLevel: "Warn",
    replicas: 1,
    push: { acceptUnbound: true },
  },
  tls: {},
};

export const collectorFacts: CollectorFacts = {
  sources: { paths: { lab: { caFile: "/etc/bridge/lab.pem" } } },
  keyRingFile: "/etc/bridge/keyring.json",
  pushUrls: ["https://gateway.example:7765/push"],
  tls: {
    caFile: "/etc/bridge/ca.pem",
    certificateFile: "/etc/bridge/tls.crt",
    keyFile: "/etc/bridge/tls.key",
  },
  managementAddress: "127.0.0.1:9465",
};

export const gatewayFacts: GatewayFacts = {
  sources: { paths: { lab: { caFile: "/etc/bridge/lab.pem" } } },
  listenAddress: "127.0.0.1:7764",
  managementAddress: "127.0.0.1:9464",
  apiKeysFile: "/etc/bridge/api-keys",
  push: {
    listenAddress: "127.0.0.1:7765",
    keyRingFile: "/etc/bridge/keyring.json",
    stateFile: "/var/lib/bridge/push-horizon",
  },
  tls: {
    certificateFile: "/etc/bridge/tls.crt",
    keyFile: "/etc/bridge/tls.key",
    clientCaFile: "/etc/bridge/collectors.pem",
  },
};

const size = (min: number, max: number) => fc.integer({ min, max });
const maybe = { requiredKeys: [] as [] };
const logLevel = fc.constantFrom("Trace", "Debug", "Info", "Warn", "Error", "Silent");

const fetches = {
  chunkBytes: size(64, 2 ** 20),
  intervalMilliseconds: size(0, 3_600_000),
  timeoutMilliseconds: size(100, 600_000),
  simulated: fc.boolean(),
};
const source = fc.oneof(
  fc.record({ url: fc.constant("http://[::1]:1"), ...fetches }, { requiredKeys: ["url"] }),
  fc.record(
    {
      url: fc.constantFrom("https://192.0.2.10", "https://[2001:db8::1]:8443/a"),
      caRef: fc.constant({ kind: "Secret" as const, name: "a.b", key: "ca.crt" }),
      pinnedCertificateSha256s: fc.uniqueArray(fc.constantFrom("0a".repeat(32), "B1".repeat(32)), {
        minLength: 1,
      }),
      ...fetches,
    },
    { requiredKeys: ["url"] },
  ),
);

/**
 * Specs within all bounds; whether the sizes fit into each other is left to the schema, so callers
 * use those that it accepts.
 */
export const anySpec: fc.Arbitrary<SpecInput> = fc.record(
  {
    topology: fc.constantFrom("InCluster", "Direct"),
    sources: fc
      .array(source, { minLength: 1, maxLength: 16 })
      .map((list) =>
        list.map((entry, n) => ({ ...entry, name: `s${n}`, type: "Quantis" }) as const),
      ),
    collector: fc.record(
      {
        bufferBytes: size(1024, 2 ** 32),
        packetBytes: size(64, 2 ** 20),
        maxAgeSeconds: size(1, 86_400),
        logLevel,
      },
      maybe,
    ),
    gateway: fc.record(
      {
        bufferBytes: fc.oneof(
          size(1024, 2 ** 21),
          fc.maxSafeInteger().map((n) => 1024 + (Math.abs(n) % 2 ** 36)),
        ),
        maxAgeSeconds: size(1, 604_800),
        overflow: fc.constantFrom("Reject", "DiscardOldest"),
        maxRequestBytes: size(1, 2 ** 24),
        rateLimit: fc.record(
          {
            requestsPerSecond: size(1, 1_000_000),
            burst: size(1, 1_000_000),
            bytesPerSecond: size(1, 2 ** 31 - 1),
          },
          maybe,
        ),
        allowQueryKey: fc.boolean(),
        logLevel,
        replicas: size(0, 1),
        push: fc.record({ acceptUnbound: fc.boolean() }, maybe),
      },
      { requiredKeys: ["replicas"] },
    ),
    tls: fc.constant({}),
  },
  { requiredKeys: ["sources"] },
);
