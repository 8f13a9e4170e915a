import { type BridgeInput, storedBridge } from "../../../operator/bridge/schema.ts";
import type { Facts, SecretContents, Trust } from "../../../operator/build/facts.ts";
import type { OwnedObject } from "../../../operator/build/metadata.ts";
import {
  defaultDns,
  defaultFsGroup,
  defaultRunbooks,
  defaultResources,
  type OperatorSettings,
} from "../../../operator/build/settings.ts";
import { buildAll } from "../../../operator/build/buildAll.ts";

type SpecInput = BridgeInput["spec"];

export const settings: OperatorSettings = {
  operator: {
    namespace: "qrng-system",
    podLabels: { "app.kubernetes.io/name": "qrng-bridge-operator" },
  },
  clusterDomain: "cluster.local",
  registry: "registry.example",
  images: { collector: "qrng-bridge/collector:0.1.0", gateway: "qrng-bridge/gateway:0.1.0" },
  imagePullSecrets: [],
  labels: {},
  resources: defaultResources,
  fsGroup: defaultFsGroup,
  dns: defaultDns,
  runbooks: defaultRunbooks,
};

export const allOffered = { certificate: true, serviceMonitor: true, prometheusRule: true };

/** What each topology is given by those who make keys and certificates. */
const contents: SecretContents = {
  signing: { "ring.json": "the ring", "state.json": "what is waited for" },
  clientKey: { "api-key": "the key" },
  gatewayKeys: { "api-keys": "the hash of the key" },
  gatewayAuthority: { "ca.crt": "the gateways' CA", "ca.key": "its key" },
  collectorAuthority: { "ca.crt": "the collector's CA", "ca.key": "its key" },
  gatewayLeaf: { "tls.crt": "the gateways' certificate", "tls.key": "its key" },
  collectorLeaf: { "tls.crt": "the collector's certificate", "tls.key": "its key" },
};
const trust: Trust = { servers: "the servers' CA", collectors: "the collectors' CA" };

const uid = "5b6f4a1e-7c1d-4a55-9d2f-0a7f4d1c2b3e";

interface BridgeOptions extends Partial<Omit<Facts, "bridge">> {
  readonly name?: string;
  readonly namespace?: string;
}

/** What builders get of a bridge with this spec, in a cluster that offers everything. */
export function makeFacts(spec: SpecInput, options: BridgeOptions = {}): Facts {
  const { name = "lab", namespace = "physics", ...others } = options;
  const bridge = storedBridge.parse({
    apiVersion: "qrngbridge.io/v1alpha1",
    kind: "QrngBridge",
    metadata: { name, namespace, uid, resourceVersion: "7", generation: 1 },
    spec,
  });
  return {
    bridge,
    settings,
    ...secretsOf(bridge.spec),
    shown: bridge.spec.tls?.issuerRef === undefined ? "bridge" : "cert-manager",
    offered: allOffered,
    isVerified: false,
    ...others,
  };
}

/** Only what its topology has a use for. */
function secretsOf({
  topology,
  tls,
  gateway,
  collector,
}: Facts["bridge"]["spec"]): Pick<Facts, "secrets" | "trust"> {
  const hasGateway = topology !== "CollectorOnly";
  const isOwn = tls?.issuerRef === undefined;
  const hasLeaf =
    topology === "InCluster" ||
    (topology === "CollectorOnly" && collector?.push?.clientCertificateRef === undefined);
  const { signing, clientKey, gatewayKeys } = contents;
  const secrets: SecretContents = {
    ...(topology === "Direct" ? {} : { signing }),
    ...(hasGateway && gateway.apiKeysSecretRef === undefined ? { clientKey } : {}),
    ...(hasGateway ? { gatewayKeys } : {}),
    ...(isOwn && hasGateway ? pick("gatewayAuthority", "gatewayLeaf") : {}),
    ...(isOwn && hasLeaf ? pick("collectorAuthority", "collectorLeaf") : {}),
  };
  return {
    secrets,
    trust: {
      servers: hasGateway ? trust.servers : undefined,
      collectors: hasLeaf ? trust.collectors : undefined,
    },
  };
}

function pick(...names: readonly (keyof SecretContents)[]): SecretContents {
  return Object.fromEntries(names.map((name) => [name, contents[name]]));
}

/** @throws where the bridge is refused */
export function objectsOf(facts: Facts): readonly OwnedObject[] {
  const built = buildAll(facts);
  if ("objects" in built) return built.objects;
  throw new Error(built.problems.map(({ message }) => message).join("\n"));
}
