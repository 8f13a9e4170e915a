import type { BridgeInput } from "../../../operator/bridge/schema.ts";

type SpecInput = BridgeInput["spec"];

const lab = { name: "lab", type: "Quantis", url: "https://192.0.2.10" } as const;
const sharedKey = { secretRef: { name: "shared-key", key: "key" } };
const prometheus = {
  namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } },
  podSelector: { matchLabels: { "app.kubernetes.io/name": "prometheus" } },
};
const secret = (name: string) => ({ name, key: "value" });

const full: SpecInput = {
  sources: [
    {
      ...lab,
      chunkBytes: 8192,
      intervalMilliseconds: 250,
      timeoutMilliseconds: 5000,
      caRef: { kind: "ConfigMap", name: "lab-appliance", key: "ca.crt" },
      clientCertificateRef: { name: "lab-client" },
      pinnedCertificateSha256s: ["ab".repeat(32)],
      minEntropyMillibitsPerByte: 7500,
    },
    {
      name: "service",
      type: "HttpJson",
      url: "https://random.example/api?size={bytes}",
      path: "data[0]",
      encoding: "Hex",
      authSecretRef: secret("service-token"),
      authHeader: "X-API-Key",
    },
    { name: "qrypt", type: "Qrypt", url: "https://qrypt.example", authSecretRef: secret("qrypt") },
  ],
  mixing: { strategy: "Hash", minSources: 2 },
  healthTests: { alphaExponent: 30 },
  collector: {
    image: "mirror.example/collector:1.2",
    bufferBytes: 67_108_864,
    packetBytes: 4096,
    maxAgeSeconds: 60,
    logLevel: "Debug",
    proxy: {
      url: "http://proxy.example:3128",
      authSecretRef: secret("proxy"),
      egress: { to: [{ podSelector: { matchLabels: { app: "proxy" } } }] },
    },
    pod: {
      labels: { team: "physics", "app.kubernetes.io/component": "mine" },
      annotations: { "linkerd.io/inject": "enabled", note: "lab" },
      imagePullSecrets: [{ name: "mirror" }],
      imagePullPolicy: "Always",
      nodeSelector: { zone: "lab" },
      tolerations: [{ key: "quantum", operator: "Exists", effect: "NoSchedule" }],
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: "rack", operator: "In", values: ["a", "b"] }] },
            ],
          },
        },
      },
      priorityClassName: "important",
      runtimeClassName: "gvisor",
      resources: { requests: { cpu: "2" }, limits: { memory: "96Mi" } },
    },
  },
  gateway: {
    replicas: 3,
    bufferBytes: 33_554_432,
    maxAgeSeconds: 600,
    overflow: "DiscardOldest",
    conditioning: "Hash",
    maxRequestBytes: 65_536,
    rateLimit: { requestsPerSecond: 10, burst: 20, bytesPerSecond: 100_000 },
    apiKeysSecretRef: { name: "our-keys" },
    allowQueryKey: true,
    logLevel: "Warn",
    clients: [
      { namespaceSelector: { matchLabels: { team: "physics" } } },
      { ipBlock: { cidr: "100.64.0.0/24", except: ["100.64.0.128/25"] } },
    ],
    service: { type: "LoadBalancer", annotations: { "example.com/internal": "true" } },
    mcp: { enabled: true, allowedOrigins: ["https://app.example"], allowedHosts: ["qrng"] },
    dashboard: { enabled: false },
    redis: {
      url: "rediss://redis.example:6380/2",
      authSecretRef: secret("redis"),
      caRef: { kind: "Secret", name: "redis-ca", key: "ca.crt" },
      egress: { to: [{ podSelector: { matchLabels: { app: "redis" } } }], ports: [6379] },
    },
    pod: { topologySpreadConstraints: [spreadOverRacks()] },
  },
  signing: { rotationSeconds: 86_400, revokedKeyIds: ["k-1"] },
  tls: { issuerRef: { name: "company-ca", kind: "ClusterIssuer" }, certificateSeconds: 86_400 },
  monitoring: {
    serviceMonitor: { labels: { release: "prometheus" } },
    prometheusRule: { labels: { release: "prometheus" } },
    dashboard: { labels: { folder: "qrng" } },
    scrapeFrom: [prometheus],
  },
  oneWayCheck: { enforcement: "Require" },
};

function spreadOverRacks() {
  return { maxSkew: 1, topologyKey: "rack", whenUnsatisfiable: "DoNotSchedule" } as const;
}

/** A bridge for each folder of golden files. */
export const goldenSpecs = {
  smallest: { sources: [lab] },
  full,
  direct: {
    topology: "Direct",
    sources: [
      {
        ...lab,
        url: "https://appliance.lab.example",
        egress: { to: [{ ipBlock: { cidr: "192.0.2.10/32" } }] },
      },
    ],
    gateway: { replicas: 1, clients: [] },
  },
  "collector-only": {
    topology: "CollectorOnly",
    sources: [lab],
    collector: {
      push: {
        urls: ["https://198.51.100.7:7765/push"],
        caRef: { kind: "ConfigMap", name: "their-ca", key: "ca.crt" },
      },
    },
    signing: sharedKey,
  },
  "gateway-only": {
    topology: "GatewayOnly",
    gateway: {
      replicas: 1,
      push: {
        service: { type: "LoadBalancer" },
        from: [{ ipBlock: { cidr: "203.0.113.4/32" } }],
        clientCARef: { kind: "ConfigMap", name: "their-ca", key: "ca.crt" },
        clientName: "collector.source.lab.qrngbridge.internal",
        audience: "198.51.100.7:7765",
      },
    },
    signing: sharedKey,
  },
  suspended: { sources: [lab], suspend: true },
} satisfies Record<string, SpecInput>;

export type GoldenName = keyof typeof goldenSpecs;
export const goldenNames = Object.keys(goldenSpecs) as GoldenName[];
