import { expect, test } from "vitest";
import type { BridgeInput } from "../../../operator/bridge/schema.ts";
import { bridgePod, nodesOf } from "../../../operator/oneWay/bridgePod.ts";
import {
  attemptArgs,
  buildCheckPod,
  type Site,
  targetArgs,
} from "../../../operator/oneWay/pods.ts";
import { parseProbeArguments } from "../../../gateway/probe/arguments.ts";
import { makeFacts } from "../build/facts.ts";
import { goldenSpecs } from "../build/specs.ts";

const build = (spec: BridgeInput["spec"], site: Site = { node: "node-1" }) =>
  buildCheckPod(makeFacts(spec), {
    run: "0badcafe",
    site,
    role: "prober",
    place: "gateway",
    standsFor: "gateway",
    args: ["--seconds", "42"],
    deadlineSeconds: 100,
  });

test("a pod of the check is short-lived, restricted, bounded, and holds nothing secret", () => {
  const { metadata, spec } = build(goldenSpecs.smallest);
  expect(metadata.ownerReferences).toMatchObject([
    { kind: "QrngBridge", name: "lab", controller: true },
  ]);
  expect(spec).toMatchObject({
    restartPolicy: "Never",
    activeDeadlineSeconds: 100,
    serviceAccountName: "lab-gateway",
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
  });
  expect(spec?.volumes).toBeUndefined();
  expect(spec?.containers).toHaveLength(1);
  expect(spec?.containers[0]).toMatchObject({
    image: "registry.example/qrng-bridge/gateway:0.1.0",
    command: ["node", "/app/gateway/probe/main.js"],
    resources: { requests: { cpu: "10m" }, limits: { memory: "128Mi" } },
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      readOnlyRootFilesystem: true,
    },
  });
  expect(spec?.containers[0]?.env).toBeUndefined();
});

test("the scheduler puts it on the node, wherever the bridge's pods may be", () => {
  const { spec } = build(goldenSpecs.full);
  expect(spec?.nodeName).toBeUndefined();
  expect(spec?.nodeSelector).toBeUndefined();
  expect(spec?.affinity).toEqual({
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [
          { matchFields: [{ key: "metadata.name", operator: "In", values: ["node-1"] }] },
        ],
      },
    },
  });
  expect(spec?.tolerations).toMatchObject([{ key: "quantum" }]);
});

test("without a node it goes where the collector would", () => {
  const { spec } = build(goldenSpecs.full, "collector");
  expect(spec).toMatchObject({
    nodeSelector: { zone: "lab" },
    tolerations: [{ key: "quantum" }],
    affinity: goldenSpecs.full.collector?.pod?.affinity,
  });
  expect(build(goldenSpecs.smallest, "collector").spec?.affinity).toBeUndefined();
});

test("its image, class and pull secrets are the gateway's", () => {
  const gateway = {
    image: "mirror.example/gateway:9",
    pod: { runtimeClassName: "gvisor", imagePullSecrets: [{ name: "mirror" }] },
  };
  const { spec } = build({ ...goldenSpecs.smallest, gateway });
  expect(spec).toMatchObject(gateway.pod);
  expect(spec?.containers[0]?.image).toBe("mirror.example/gateway:9");
});

test("the probe understands the arguments that pods are given", () => {
  expect(parseProbeArguments(targetArgs([7764, 19_464], 300))).toMatchObject({
    listeners: [
      { protocol: "TCP", port: 7764 },
      { protocol: "UDP", port: 7764 },
      { protocol: "TCP", port: 19_464 },
      { protocol: "UDP", port: 19_464 },
    ],
    attempts: [],
    seconds: 300,
  });
  const endpoints = [
    { protocol: "TCP", host: "fd00::7", port: 9465 },
    { protocol: "UDP", host: "dns", port: 53 },
  ] as const;
  expect(parseProbeArguments(attemptArgs(endpoints, { seconds: 42, untilOpen: true }))).toEqual({
    listeners: [],
    attempts: endpoints,
    seconds: 42,
    untilOpen: true,
    report: "/dev/termination-log",
  });
});

const metadata = {
  name: "a",
  namespace: "physics",
  uid: "u",
  resourceVersion: "1",
  labels: { "qrngbridge.io/bridge": "lab", "qrngbridge.io/zone": "gateway" },
};

test("a pod's status is read as far as it has the form", () => {
  const running = {
    phase: "Running",
    podIPs: [{ ip: "10.0.0.1" }, { ip: "fd00::1" }],
    containerStatuses: [{ state: { running: { startedAt: "x" } } }],
  };
  expect(bridgePod({ metadata, spec: { nodeName: "n" }, status: running })).toMatchObject({
    bridge: "physics/lab",
    node: "n",
    state: "running",
    addresses: ["10.0.0.1", "fd00::1"],
    isBridges: false,
  });
  for (const status of [null, 7, { podIPs: [{ ip: "evil" }], containerStatuses: 3, phase: {} }]) {
    expect(bridgePod({ metadata, spec: [], status })).toMatchObject({
      state: "waiting",
      addresses: [],
      node: undefined,
    });
  }
  const terminated = (message: string) => ({
    metadata,
    status: { phase: "Succeeded", containerStatuses: [{ state: { terminated: { message } } }] },
  });
  expect(bridgePod(terminated("short"))?.message).toBe("short");
  expect(bridgePod(terminated("x".repeat(5_000)))?.message).toBeUndefined();
  const unschedulable = {
    type: "PodScheduled",
    status: "False",
    message: "0/1 nodes " + "x".repeat(500),
  };
  const { waitsFor = "" } = bridgePod({
    metadata,
    status: { phase: "Pending", conditions: [unschedulable] },
  })!;
  expect(waitsFor).toMatch(/^0\/1 nodes x+…$/);
  expect(waitsFor.length).toBeLessThan(257);
});

test("nodes are those of the bridge's own pods that run or will", () => {
  const at = (name: string, rest: object, labels: object = {}) =>
    [
      name,
      bridgePod({
        metadata: { ...metadata, name, labels: { ...metadata.labels, ...labels } },
        ...rest,
      })!,
    ] as const;
  const pods = [
    at("b", { spec: { nodeName: "node-2" } }),
    at("a", { spec: { nodeName: "node-1" } }),
    at("c", { spec: { nodeName: "node-1" } }),
    at("unscheduled", {}),
    at("ended", { spec: { nodeName: "node-3" }, status: { phase: "Failed" } }),
    at("check", { spec: { nodeName: "node-4" } }, { "qrngbridge.io/one-way-check": "0badcafe" }),
    at("other", { spec: { nodeName: "node-5" } }, { "qrngbridge.io/bridge": "other" }),
  ];
  expect(nodesOf({ entries: () => pods }, "physics/lab")).toEqual(["node-1", "node-2"]);
});
