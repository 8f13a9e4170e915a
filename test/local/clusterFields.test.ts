import { expect, test } from "vitest";
import { stringify } from "yaml";
import { parseBridgeFile } from "../../local/bridgeFile.ts";
import type { BridgeInput } from "../../operator/bridge/schema.ts";
import { bridgeInput, fullSpec } from "../operator/bridges.ts";

type Spec = BridgeInput["spec"];
const lab = { name: "lab", type: "Quantis", url: "https://192.0.2.10" } as const;
const key = { name: "key", key: "key" };
const parse = (spec: Partial<Spec>) => parseBridgeFile(stringify(bridgeInput(spec)), "b.yaml");

const needed: [string, Partial<Spec>][] = [
  ["spec.suspend", { suspend: true }],
  ["spec.signing", { signing: {} }],
  ["spec.monitoring", { monitoring: {} }],
  ["spec.oneWayCheck", { oneWayCheck: {} }],
  ["spec.tls.issuerRef", { tls: { issuerRef: { name: "ca" } } }],
  ["spec.collector.image", { collector: { image: "a" } }],
  ["spec.collector.proxy", { collector: { proxy: { url: "http://192.0.2.20:3128" } } }],
  ["spec.gateway.pod", { gateway: { pod: {} } }],
  ["spec.gateway.apiKeysSecretRef", { gateway: { apiKeysSecretRef: { name: "keys" } } }],
  ["spec.gateway.clients", { gateway: { clients: [] } }],
  [
    "spec.gateway.push.from",
    { gateway: { replicas: 1, push: { acceptUnbound: true, from: [{ podSelector: {} }] } } },
  ],
  [
    "spec.sources[0].clientCertificateRef",
    { sources: [{ ...lab, clientCertificateRef: { name: "pair" } }] },
  ],
  [
    "spec.sources[0].egress",
    { sources: [{ ...lab, egress: { to: [{ ipBlock: { cidr: "192.0.2.10/32" } }] } }] },
  ],
];

test.each(needed)("%s is not ignored", (path, spec) => {
  expect(() => parse(spec)).toThrow(`${path}: needs a cluster; leave it out for npm start`);
});

test("half a bridge needs a cluster", () => {
  const spec: Spec = {
    topology: "GatewayOnly",
    sources: [],
    gateway: {
      replicas: 1,
      push: { acceptUnbound: true, from: [{ ipBlock: { cidr: "192.0.2.1/32" } }] },
    },
    signing: { secretRef: key },
  };
  expect(() => parse(spec)).toThrow(
    /b\.yaml:\d+: spec\.topology: needs a cluster: must be InCluster or Direct for npm start/,
  );
});

test("one gateway runs, whatever the default for clusters is", () => {
  expect(parse({}).bridge.spec.gateway.replicas).toBe(2);
  expect(parse({ gateway: { replicas: 1 } })).toBeDefined();
  expect(() => parse({ gateway: { replicas: 2 } })).toThrow(
    "spec.gateway.replicas: npm start runs one gateway: must be 1, or left out",
  );
});

test("a host name needs no egress here", () => {
  expect(parse({ sources: [{ ...lab, url: "https://qrng.example" }] })).toBeDefined();
});

test("all that the programs' configs know is possible", () => {
  const { caRef: _, ...full } = fullSpec.sources[0]!;
  expect(parse({ ...fullSpec, sources: [full] })).toBeDefined();
  const off = () => ({ enabled: false });
  const gateway = { conditioning: "Hash", mcp: off(), dashboard: off() } as const;
  const spec = { gateway, mixing: {}, healthTests: {} };
  expect(
    parse({ ...spec, sources: [{ ...full, minEntropyMillibitsPerByte: 7000 }] }),
  ).toBeDefined();
});
