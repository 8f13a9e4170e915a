import { describe, expect, test } from "vitest";
import { describeIssues } from "../../common/config/issues.ts";
import { parseConfig } from "../../common/config/load.ts";
import { qrngBridge } from "../../operator/bridge/schema.ts";
import { bridgeInput, fullSpec } from "./bridges.ts";

/** The bridge with the value at a dotted path; undefined takes the field away. */
function withField(path: string, value: unknown, spec = fullSpec): unknown {
  const bridge: unknown = structuredClone(bridgeInput(spec));
  const steps = path.split(".");
  const last = steps.pop()!;
  const parent = steps.reduce((at, step) => (at as Record<string, unknown>)[step], bridge);
  (parent as Record<string, unknown>)[last] = value;
  return bridge;
}

function problemOf(bridge: unknown): string | undefined {
  const { error } = qrngBridge.safeParse(bridge);
  return error === undefined ? undefined : describeIssues(error);
}

/** No sizes that the one at hand would have to fit into. */
const roomySpec: typeof fullSpec = {
  sources: [{ name: "lab", type: "Quantis", url: "https://192.0.2.10" }],
  collector: {},
  gateway: { rateLimit: {} },
};

/** Field, least and greatest value. */
const numbers: [string, number, number][] = [
  ["spec.sources.0.chunkBytes", 64, 2 ** 20],
  ["spec.sources.0.intervalMilliseconds", 0, 3_600_000],
  ["spec.sources.0.timeoutMilliseconds", 100, 600_000],
  ["spec.collector.bufferBytes", 1024, 2 ** 32],
  ["spec.collector.packetBytes", 64, 2 ** 20],
  ["spec.collector.maxAgeSeconds", 1, 86_400],
  ["spec.gateway.bufferBytes", 1024, 2 ** 36],
  ["spec.gateway.maxAgeSeconds", 1, 604_800],
  ["spec.gateway.maxRequestBytes", 1, 2 ** 24],
  ["spec.gateway.rateLimit.requestsPerSecond", 1, 1_000_000],
  ["spec.gateway.rateLimit.burst", 1, 1_000_000],
  ["spec.gateway.rateLimit.bytesPerSecond", 1, 2 ** 40],
];

describe.each(numbers)("%s", (path, min, max) => {
  test("accepts its edges", () => {
    expect(problemOf(withField(path, min, roomySpec))).toBeUndefined();
    expect(problemOf(withField(path, max, roomySpec))).toBeUndefined();
  });

  test.each([min - 1, max + 1, min + 0.5, `${min}`, null])("refuses %j", (value) => {
    expect(problemOf(withField(path, value, roomySpec))).toContain(
      `${path.replace(/\.(\d+)/, "[$1]")}: `,
    );
  });
});

const accepted: [string, unknown][] = [
  ["metadata.name", "a"],
  ["metadata.name", `a${"b-1".repeat(13)}`], // 40
  ["metadata.namespace", undefined],
  ["metadata.namespace", "0-team"],
  ["metadata.labels", { "app.kubernetes.io/name": "qrng" }],
  ["metadata.annotations", { "example.com/note": "text" }],
  ["spec.topology", undefined],
  ["spec.collector", undefined],
  ["spec.collector", {}],
  ["spec.gateway", undefined],
  ["spec.gateway", {}],
  ["spec.tls", undefined],
  ["spec.sources.0.url", "https://[2001:db8::1]:8443/base"],
  ["spec.sources.1.url", "http://127.0.0.1:8080"],
  ["spec.sources.1.url", "http://localhost"],
  [
    "spec.sources.0.pinnedCertificateSha256s",
    ["A0", "a0", "b1", "c2"].map((byte) => byte.repeat(32)),
  ],
  ["spec.sources.0.caRef.kind", "Secret"],
];

test.each(accepted)("%s may be %j", (path, value) => {
  expect(problemOf(withField(path, value))).toBeUndefined();
});

const lab = fullSpec.sources[0];
const refused: [string, unknown, string][] = [
  ["apiVersion", "v1", "apiVersion: must be qrngbridge.io/v1alpha1"],
  ["kind", "Bridge", "kind: must be QrngBridge"],
  ["metadata.name", "", "metadata.name: must be lower-case"],
  ["metadata.name", "1a", "metadata.name: must be lower-case"],
  ["metadata.name", "a-", "metadata.name: must be lower-case"],
  ["metadata.name", "A", "metadata.name: must be lower-case"],
  ["metadata.name", "a".repeat(41), "metadata.name: "],
  ["metadata.name", undefined, "metadata.name: "],
  ["metadata.namespace", "a.b", "metadata.namespace: must be lower-case"],
  ["metadata.namespace", "a".repeat(64), "metadata.namespace: "],
  ["metadata.labels", { a: 1 }, "metadata.labels.a: "],
  ["spec.topology", "OnCluster", "spec.topology: "],
  ["spec.sources", [], "spec.sources: "],
  ["spec.sources", undefined, "spec.sources: "],
  [
    "spec.sources",
    Array.from({ length: 17 }, (_, n) => ({ ...lab, name: `s${n}` })),
    "spec.sources: ",
  ],
  ["spec.sources.1.name", "lab", "spec.sources[1].name: another entry has the same name"],
  ["spec.sources.0.name", "Lab", "spec.sources[0].name: must be lower-case"],
  ["spec.sources.0.type", "quantis", "spec.sources[0].type: "],
  ["spec.sources.0.type", undefined, "spec.sources[0].type: "],
  ["spec.sources.0.url", "192.0.2.10", "spec.sources[0].url: must be https, or http to a"],
  ["spec.sources.0.url", "ftp://192.0.2.10", "spec.sources[0].url: must be https, or http to a"],
  ["spec.sources.0.url", "https://999.0.2.10", "spec.sources[0].url: must be a URL"],
  ["spec.sources.0.url", "http://192.0.2.10", "spec.sources[0].url: must be https, or http to a"],
  ["spec.sources.0.url", "https://u:p@192.0.2.10", "without credentials and fragment"],
  ["spec.sources.0.url", "https://192.0.2.10#x", "without credentials and fragment"],
  ["spec.sources.0.url", "https://192.0.2.10?x=1", "a query and {bytes} go with HttpBytes"],
  ["spec.sources.0.url", `https://192.0.2.10/${"a".repeat(2048)}`, "spec.sources[0].url: "],
  ["spec.sources.0.caRef.kind", "File", "spec.sources[0].caRef.kind: "],
  ["spec.sources.0.caRef.name", "../x", "spec.sources[0].caRef.name: must be lower-case"],
  ["spec.sources.0.caRef.name", "a".repeat(254), "spec.sources[0].caRef.name: "],
  ["spec.sources.0.caRef.key", "a/b", "spec.sources[0].caRef.key: must be of"],
  ["spec.sources.0.caRef.key", undefined, "spec.sources[0].caRef.key: "],
  ["spec.sources.0.pinnedCertificateSha256s", [], "spec.sources[0].pinnedCertificateSha256s: "],
  ["spec.sources.0.pinnedCertificateSha256s", ["ab"], "must be 64 hex digits"],
  [
    "spec.sources.0.pinnedCertificateSha256s",
    Array.from({ length: 5 }, () => "ab".repeat(32)),
    "spec.sources[0].pinnedCertificateSha256s: ",
  ],
  ["spec.sources.0.simulated", "yes", "spec.sources[0].simulated: "],
  ["spec.sources.0.chunkBytes", 1_048_576 + 1, "spec.sources[0].chunkBytes: must be at most"],
  ["spec.collector.logLevel", "debug", "spec.collector.logLevel: "],
  ["spec.collector.packetBytes", 1_048_577, "spec.collector.packetBytes: must be at most"],
  ["spec.gateway.overflow", "reject", "spec.gateway.overflow: "],
  ["spec.gateway.allowQueryKey", 1, "spec.gateway.allowQueryKey: "],
  ["spec.gateway.push.acceptUnbound", "true", "spec.gateway.push.acceptUnbound: "],
  ["spec.tls", true, "spec.tls: "],
  ["spec.topology", "Direct", "spec.collector: has no function with topologies Direct and"],
  [
    "spec.collector.bufferBytes",
    4096,
    "spec.sources: chunkBytes must not be above collector.bufferBytes",
  ],
  [
    "spec.collector.bufferBytes",
    2048,
    "spec.collector.packetBytes: must not be above collector.bufferBytes",
  ],
  [
    "spec.gateway.bufferBytes",
    2048,
    "spec.collector.packetBytes: must not be above gateway.bufferBytes",
  ],
  [
    "spec.gateway.bufferBytes",
    65_535,
    "spec.gateway.maxRequestBytes: must not be above gateway.bufferBytes",
  ],
];

test.each(refused)("%s may not be %j", (path, value, problem) => {
  expect(problemOf(withField(path, value))).toContain(problem);
});

test("in Direct, chunks have to fit into the gateway, and push has no function", () => {
  const spec = { topology: "Direct", gateway: { bufferBytes: 4096, push: {} } } as const;
  const sources = [{ ...lab!, chunkBytes: 8192 }];
  expect(problemOf(bridgeInput({ ...spec, sources }))).toBe(
    "spec.gateway.push: has no function with topology Direct: nothing is pushed; leave it out; " +
      "spec.sources: with topology Direct chunkBytes must not be above gateway.bufferBytes",
  );
});

test.each([
  ["team", true],
  ["example.com/team", true],
  ["k".repeat(63), true],
  ["k".repeat(64), false],
  ["a-/team", false],
  ["a..b/team", false],
])("the label %s is accepted as by the API server: %s", (label, accepted) => {
  const problem = problemOf(bridgeInput({ gateway: { pod: { labels: { [label]: "x" } } } }));
  expect(problem === undefined).toBe(accepted);
});

const typos: [string, string][] = [
  ["metadata: {name: a, nmespace: b}", "metadata.nmespace: unknown key; did you mean namespace?"],
  ["spec: {source: []}", "spec.source: unknown key; did you mean sources?"],
  [
    "spec: {gateway: {rateLimit: {requestPerSecond: 1}}}",
    "spec.gateway.rateLimit.requestPerSecond: unknown key; did you mean requestsPerSecond?",
  ],
  ["spec: {gateway: {buffer_bytes: 1}}", "unknown key; did you mean bufferBytes?"],
  [
    "spec: {sources: [{chunk_bytes: 64}]}",
    "spec.sources[0].chunk_bytes: unknown key; did you mean chunkBytes?",
  ],
  ["spec: {tls: {issuer: x}}", "spec.tls.issuer: unknown key"],
  ["stauts: {}", "stauts: unknown key"],
];

test.each(typos)("%s is refused with a suggestion", (yaml, problem) => {
  expect(() => parseConfig(qrngBridge, yaml, "bridge.yaml")).toThrow(problem);
});
