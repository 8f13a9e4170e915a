import { describe, expect, test } from "vitest";
import { collectorConfig } from "../../../collector/config.ts";
import { gatewayConfig } from "../../../gateway/config.ts";
import type { BridgeInput } from "../../../operator/bridge/schema.ts";
import { buildResources } from "../../../operator/build/resources.ts";
import { defaultResources } from "../../../operator/build/settings.ts";
import { makeFacts, objectsOf, settings } from "./facts.ts";
import { type BuiltDeployment, ofKind, podSpecOf } from "./references.ts";
import { goldenSpecs } from "./specs.ts";

type SpecInput = BridgeInput["spec"];
type Options = Parameters<typeof makeFacts>[1];
const { smallest } = goldenSpecs;

function deployment(program: string, spec: SpecInput, options?: Options): BuiltDeployment {
  const all = ofKind<BuiltDeployment>(objectsOf(makeFacts(spec, options)), "Deployment");
  return all.find(({ metadata }) => metadata.name === `lab-${program}`)!;
}
const templateOf = (program: string, spec: SpecInput, options?: Options) =>
  deployment(program, spec, options).spec!.template;
const hashOf = (program: string, spec: SpecInput, options?: Options) =>
  templateOf(program, spec, options).metadata!.annotations!["qrngbridge.io/config-hash"];

describe("how many run", () => {
  const replicas = (program: string, spec: SpecInput, isVerified = false) =>
    deployment(program, spec, { isVerified }).spec!.replicas;
  const required: SpecInput = { ...smallest, oneWayCheck: { enforcement: "Require" } };

  test("one collector and as many gateways as asked for", () => {
    expect(replicas("collector", smallest)).toBe(1);
    expect(replicas("gateway", smallest)).toBe(2);
    expect(replicas("gateway", { ...smallest, gateway: { replicas: 5 } })).toBe(5);
  });

  test("a suspended bridge has no pods", () => {
    const suspended = { ...required, suspend: true };
    expect(replicas("collector", suspended, true)).toBe(0);
    expect(replicas("gateway", suspended)).toBe(0);
  });

  test("Require holds the collector back until the flow is verified, and nothing else", () => {
    expect(replicas("collector", required)).toBe(0);
    expect(replicas("gateway", required)).toBe(2);
    expect(replicas("collector", required, true)).toBe(1);
    const reported: SpecInput = { ...smallest, oneWayCheck: { enforcement: "Report" } };
    expect(replicas("collector", reported)).toBe(1);
  });

  test("pods that would take each other's packets are never there at once", () => {
    const strategy = (spec: SpecInput) => deployment("gateway", spec).spec!.strategy!.type;
    expect(strategy(smallest)).toBe("RollingUpdate");
    expect(strategy(goldenSpecs["gateway-only"])).toBe("Recreate");
    const unbound = { replicas: 1, push: { acceptUnbound: true } };
    expect(strategy({ ...smallest, gateway: unbound })).toBe("Recreate");
  });
});

describe("labels and annotations", () => {
  const given = {
    labels: {
      "app.kubernetes.io/component": "mine",
      "app.kubernetes.io/managed-by": "me",
      "sidecar.istio.io/inject": "true",
      team: "physics",
    },
    annotations: { "linkerd.io/inject": "enabled" },
  };
  const spec: SpecInput = { ...smallest, gateway: { pod: given } };

  test("what selects pods is the operator's alone", () => {
    const { labels } = templateOf("gateway", spec).metadata!;
    expect(labels).toMatchObject({
      ...deployment("gateway", spec).spec!.selector.matchLabels,
      "app.kubernetes.io/managed-by": "qrng-bridge",
      team: "physics",
    });
  });

  test("meshes are kept out unless the user lets them in", () => {
    expect(templateOf("gateway", smallest).metadata).toMatchObject({
      labels: { "sidecar.istio.io/inject": "false", "istio.io/dataplane-mode": "none" },
      annotations: { "linkerd.io/inject": "disabled" },
    });
    expect(templateOf("gateway", spec).metadata).toMatchObject({
      labels: { "sidecar.istio.io/inject": "true", "istio.io/dataplane-mode": "none" },
      annotations: { "linkerd.io/inject": "enabled" },
    });
  });

  test("only gateways serve", () => {
    const serving = (program: string) =>
      templateOf(program, smallest).metadata!.labels!["qrngbridge.io/serving"];
    expect(serving("gateway")).toBe("true");
    expect(serving("collector")).toBeUndefined();
  });

  test("the operator's labels are on every object and pod, below the user's", () => {
    const options = { settings: { ...settings, labels: { team: "platform", cost: "7" } } };
    expect(templateOf("gateway", spec, options).metadata!.labels).toMatchObject({
      team: "physics",
      cost: "7",
    });
    for (const { metadata } of objectsOf(makeFacts(smallest, options))) {
      expect(metadata.labels).toMatchObject({ team: "platform", cost: "7" });
    }
  });
});

describe("when pods roll", () => {
  test("on a change of what programs read once", () => {
    const changed: SpecInput = { ...smallest, gateway: { logLevel: "Debug" } };
    expect(hashOf("gateway", changed)).not.toBe(hashOf("gateway", smallest));
    expect(hashOf("collector", changed)).toBe(hashOf("collector", smallest));
  });

  test("not on a change of keys, certificates, labels, or of the operator's own place", () => {
    const before = makeFacts(smallest);
    const options: Options = {
      secrets: {
        ...before.secrets,
        signing: { "ring.json": "another", "state.json": "another" },
        gatewayKeys: { "api-keys": "others" },
        gatewayLeaf: { "tls.crt": "renewed", "tls.key": "renewed" },
      },
      trust: { servers: "two CAs", collectors: "two CAs" },
      settings: { ...settings, operator: { namespace: "moved", podLabels: {} } },
    };
    for (const program of ["gateway", "collector"]) {
      expect(templateOf(program, smallest, options)).toEqual(templateOf(program, smallest));
    }
  });
});

describe("images", () => {
  const image = (spec: SpecInput, registry: string) =>
    podSpecOf(deployment("gateway", spec, { settings: { ...settings, registry } })).containers[0]!
      .image;

  test.each([
    [
      "the operator's, in its registry",
      {},
      "mirror.example/qrng",
      "mirror.example/qrng/qrng-bridge/gateway:0.1.0",
    ],
    ["without a registry", {}, "", "qrng-bridge/gateway:0.1.0"],
    ["the bridge's own, as it is", { image: "a.example/b:1" }, "mirror.example", "a.example/b:1"],
  ])("%s", (_, gateway, registry, expected) => {
    expect(image({ ...smallest, gateway }, registry)).toBe(expected);
  });

  test("pull secrets are the bridge's, else the operator's", () => {
    const options = { settings: { ...settings, imagePullSecrets: ["mirror"] } };
    const secrets = (spec: SpecInput) =>
      podSpecOf(deployment("gateway", spec, options)).imagePullSecrets;
    expect(secrets(smallest)).toEqual([{ name: "mirror" }]);
    const pod = { imagePullSecrets: [{ name: "own" }] };
    expect(secrets({ ...smallest, gateway: { pod } })).toEqual([{ name: "own" }]);
  });
});

describe("resources", () => {
  const build = (gateway: NonNullable<SpecInput["gateway"]>) =>
    buildResources(makeFacts({ ...smallest, gateway }).bridge, "gateway", defaultResources.gateway);

  test("memory has room for the buffer", () => {
    expect(build({}).limits).toEqual({ cpu: "2", memory: "176Mi" });
    expect(build({ bufferBytes: 2 ** 30 + 1 }).limits).toEqual({ cpu: "2", memory: "1185Mi" });
  });

  test.each<[string, object, object, object]>([
    [
      "a limit below the default request lowers it",
      { limits: { memory: "64Mi" } },
      { memory: "64Mi" },
      { memory: "64Mi" },
    ],
    [
      "a request above the default limit raises it",
      { requests: { memory: "1Gi" } },
      { memory: "1Gi" },
      { memory: "1Gi" },
    ],
    [
      "a request below the default limit leaves it",
      { requests: { cpu: "10m" } },
      { cpu: "10m" },
      { cpu: "2" },
    ],
    [
      "a limit above the default request leaves it",
      { limits: { cpu: 4 } },
      { cpu: "100m" },
      { cpu: "4" },
    ],
    [
      "others are passed on",
      { limits: { "example.com/qrng": 1 } },
      { cpu: "100m" },
      { "example.com/qrng": "1" },
    ],
  ])("%s", (_, resources, requests, limits) => {
    const built = build({ pod: { resources } });
    expect(built.requests).toMatchObject(requests);
    expect(built.limits).toMatchObject(limits);
  });

  test("the buffers that builders assume are the programs' defaults", () => {
    const parts = {
      push_url: "https://a",
      hmac_secret_key: "ab".repeat(32),
      appliance_url: "https://b",
    };
    expect(collectorConfig.parse(parts).buffer_size).toBe(16 * 2 ** 20);
    const gateway = { api_keys_file: "k", hmac_secret_key: "ab".repeat(32) };
    expect(gatewayConfig.parse(gateway).buffer_size).toBe(16 * 2 ** 20);
  });
});

test("programs end before kubelet ends them", () => {
  for (const program of ["collector", "gateway"]) {
    const text = JSON.stringify(objectsOf(makeFacts(smallest)));
    expect(text).toContain("shutdown_grace: 20s");
    expect(podSpecOf(deployment(program, smallest)).terminationGracePeriodSeconds).toBeGreaterThan(
      20,
    );
  }
});

test("gateways spread over nodes and zones, unless told otherwise", () => {
  const keys = (program: string, spec: SpecInput) =>
    podSpecOf(deployment(program, spec)).topologySpreadConstraints?.map((each) => each.topologyKey);
  expect(keys("gateway", smallest)).toEqual([
    "kubernetes.io/hostname",
    "topology.kubernetes.io/zone",
  ]);
  expect(keys("gateway", goldenSpecs.full)).toEqual(["rack"]);
  expect(
    keys("gateway", { ...smallest, gateway: { pod: { topologySpreadConstraints: [] } } }),
  ).toEqual([]);
  expect(keys("collector", smallest)).toBeUndefined();
});

test("where the cluster picks the group of files, the pod names none", () => {
  const options = { settings: { ...settings, fsGroup: undefined } };
  expect(podSpecOf(deployment("gateway", smallest, options)).securityContext).not.toHaveProperty(
    "fsGroup",
  );
});
