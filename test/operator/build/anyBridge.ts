import fc from "fast-check";
import { specFields } from "../../../operator/bridge/spec.ts";
import type { BridgeInput } from "../../../operator/bridge/schema.ts";
import { arbitraryOf, type Overrides } from "./arbitrary.ts";

type SpecInput = BridgeInput["spec"];

/** Specs made from the schema, with what its rules between fields ask for put in by topology. */
const labels = fc.constant({ matchLabels: { app: "x" } });
const peer = fc.oneof(
  fc.record({ podSelector: labels }),
  fc.record({ namespaceSelector: labels, podSelector: labels }),
  fc.constantFrom({ ipBlock: { cidr: "198.51.100.0/24" } }, { ipBlock: { cidr: "2001:db8::/64" } }),
);
const peers = fc.array(peer, { maxLength: 3 });
const somePeers = fc.array(peer, { minLength: 1, maxLength: 3 });
const egress = fc.record({ to: somePeers });
const secretRef = fc.constantFrom({ name: "a.b", key: "x" }, { name: "token", key: ".y" });
const hosts = fc.constantFrom("192.0.2.10", "[2001:db8::1]:8443", "qrng.example:9443");

const common: Overrides = {
  clients: peers,
  from: somePeers,
  scrapeFrom: peers,
  matchExpressions: fc.constant([{ key: "role", operator: "Exists" }]),
  proxy: undefined,
  push: undefined,
  redis: fc.record(
    { url: fc.constant("rediss://redis.example"), egress },
    { requiredKeys: ["url", "egress"] },
  ),
  chunkBytes: undefined,
  packetBytes: undefined,
  maxRequestBytes: undefined,
  revokedKeyIds: fc.constant(["k-1"]),
  rotationSeconds: undefined,
  propagationSeconds: undefined,
  secretRef: undefined,
};
const { shape } = specFields;

const tls = {
  caRef: fc.constantFrom(
    { kind: "Secret", name: "ca", key: "ca.crt" },
    { kind: "ConfigMap", name: "ca.b", key: "k" },
  ),
  clientCertificateRef: fc.constant({ name: "client" }),
  minEntropyMillibitsPerByte: fc.integer({ min: 1000, max: 8000 }),
};
const source = (
  type: string,
  fields: Record<string, fc.Arbitrary<unknown>>,
): fc.Arbitrary<object> =>
  fc
    .tuple(
      fc.record({ type: fc.constant(type), url: hosts.map((host) => `https://${host}`), egress }),
      fc.record(tls, { requiredKeys: [] }),
      fc.record(fields),
    )
    .map(([base, optional, own]) => ({ ...base, ...optional, ...own }));
const anySource = fc.oneof(
  source("Quantis", { simulated: fc.boolean() }),
  source("Anu", {}),
  source("Aqn", { authSecretRef: secretRef }),
  source("Qrypt", { authSecretRef: secretRef }),
  source("HttpBytes", { authSecretRef: secretRef, authHeader: fc.constant("X-API-Key") }),
  source("HttpJson", {
    path: fc.constant("a[0]"),
    encoding: fc.constantFrom("Array", "Hex", "Base64"),
  }),
);
const sources = fc
  .array(anySource, { minLength: 1, maxLength: 4 })
  .map((list) => list.map((each, n) => ({ ...each, name: `s${n}` })));
/** Behind a proxy, whose egress counts then. */
const proxied = sources.map((list) => list.map((each) => ({ ...each, egress: undefined })));
const proxy = fc.record({
  url: fc.constant("http://proxy.example:3128"),
  authSecretRef: secretRef,
  egress,
});

/** All that the schema has, always with a proxy. */
const withProxy = (collector: fc.Arbitrary<unknown>) =>
  fc.tuple(collector, proxy).map(([all, proxy]) => ({ ...(all as object), proxy }));

const of = (name: keyof typeof shape, overrides: Overrides = {}) =>
  arbitraryOf(shape[name], { ...common, ...overrides });
const everywhere = {
  suspend: fc.boolean(),
  monitoring: of("monitoring"),
  tls: of("tls"),
};
const sharedKey = of("signing", { secretRef: fc.constant({ name: "shared", key: "key" }) });
const oneWayCheck = of("oneWayCheck", { enforcement: fc.constantFrom("Report", "Require") });

const pushIn = fc.record(
  {
    from: somePeers,
    clientCARef: tls.caRef,
    service: fc.record({ type: fc.constantFrom("ClusterIP", "NodePort", "LoadBalancer") }),
    audience: fc.constantFrom("198.51.100.7:7765", "[2001:db8::7]:443", "gateway.example:443"),
    clientName: fc.constant("collector.a.b"),
    acceptUnbound: fc.boolean(),
  },
  { requiredKeys: ["from", "clientCARef"] },
);

const mixed = {
  mixing: fc.constantFrom(
    { strategy: "None" },
    { strategy: "Hash", minSources: 1 },
    { strategy: "Xor" },
  ),
  healthTests: of("healthTests"),
};

const inCluster = {
  ...mixed,
  ...everywhere,
  topology: fc.constant("InCluster"),
  gateway: of("gateway"),
  signing: of("signing"),
  oneWayCheck,
};
const needed = ["topology", "sources", "gateway", "collector"] as const;

export const anySpec: fc.Arbitrary<SpecInput> = fc.oneof(
  fc.record(
    { ...inCluster, sources, collector: of("collector") },
    { requiredKeys: ["topology", "sources"] },
  ),
  fc.record(
    { ...inCluster, sources: proxied, collector: withProxy(of("collector")) },
    { requiredKeys: ["topology", "sources", "collector"] },
  ),
  fc.record(
    {
      ...inCluster,
      sources,
      gateway: of("gateway", {
        push: fc.record({ acceptUnbound: fc.constant(true), from: somePeers }),
        replicas: fc.constantFrom(0, 1),
      }),
    },
    { requiredKeys: ["topology", "sources", "gateway"] },
  ),
  fc.record(
    { ...everywhere, ...mixed, topology: fc.constant("Direct"), sources, gateway: of("gateway") },
    { requiredKeys: ["topology", "sources"] },
  ),
  fc.record(
    {
      ...everywhere,
      ...mixed,
      topology: fc.constant("CollectorOnly"),
      sources,
      collector: of("collector", {
        push: fc.record(
          {
            urls: fc.constantFrom(
              ["https://198.51.100.7:7765/push"],
              ["https://gateway.example/push"],
            ),
            egress,
            audience: fc.constantFrom("Url", "Address"),
            caRef: tls.caRef,
            clientCertificateRef: tls.clientCertificateRef,
          },
          { requiredKeys: ["urls", "egress"] },
        ),
      }),
      signing: sharedKey,
      oneWayCheck,
    },
    { requiredKeys: [...needed.filter((name) => name !== "gateway"), "signing"] },
  ),
  fc.record(
    {
      ...everywhere,
      topology: fc.constant("GatewayOnly"),
      gateway: of("gateway", {
        replicas: fc.constantFrom(0, 1),
        conditioning: fc.constantFrom("None", "XorSystem"),
        push: pushIn,
      }),
      signing: sharedKey,
    },
    { requiredKeys: ["topology", "gateway", "signing"] },
  ),
) as fc.Arbitrary<SpecInput>;
