import type { Container, NodeSelectorTerm, Pod, PodSpec } from "kubernetes-types/core/v1.js";
import { type Endpoint, endpointText } from "../../common/probe/endpoint.ts";
import { group } from "../bridge/schema.ts";
import type { Facts } from "../build/facts.ts";
import { type Labels, type Owned, ownedMetadata } from "../build/metadata.ts";
import { collectorName, gatewayName } from "../build/names.ts";
import { imageOf, meshAnnotations, meshLabels, pullSecretsOf, restricted } from "../build/pod.ts";
import { type Place, placeLabels, zonesOf } from "./directions.ts";

export type CheckFacts = Pick<Facts, "bridge" | "settings">;

/** Which run a pod of the check belongs to. */
export const runLabel = `${group}/one-way-check`;
/**
 * `outside` while a pod of the check is in no zone: where a namespace denies all by default, a
 * policy may let these pods connect to each other.
 */
const placeLabel = `${group}/one-way-place`;

/** What a pod is for. Targets listen; the others attempt. */
export type Role = "target" | "reference" | "prober";

/** On this node, or wherever the scheduler puts pods like the collector's. */
export type Site = { readonly node: string } | "collector";

export interface CheckPod {
  /** 8 hexadecimal digits. */
  readonly run: string;
  readonly site: Site;
  readonly role: Role;
  /** Whose labels it begins with. */
  readonly place: Place;
  /** What it stands for: a target's place once it is moved there. */
  readonly standsFor: Place;
  readonly args: readonly string[];
  /** Kubelet ends it by then, and it is asked to run for no longer. */
  readonly deadlineSeconds: number;
}

/** The labels of every pod of the check that is at a place. */
export function checkLabels(facts: CheckFacts, run: string, place: Place): Labels {
  const { labels } = ownedMetadata(facts, "", { component: "one-way-check", labels: meshLabels });
  const own = {
    ...labels,
    [runLabel]: run,
    [placeLabel]: place === "outside" ? "outside" : "zone",
  };
  return placeLabels(facts, place, own);
}

/** A short-lived pod that holds no secret, is in no Service, and that nothing waits for. */
export function buildCheckPod(facts: CheckFacts, pod: CheckPod): Owned<Pod> {
  const { run, role, standsFor, place } = pod;
  const name = `${facts.bridge.metadata.name}-check-${run}-${role}-${standsFor}`;
  const metadata = ownedMetadata(facts, name, {
    component: "one-way-check",
    annotations: meshAnnotations,
  });
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...metadata, labels: { ...checkLabels(facts, run, place) } },
    spec: {
      restartPolicy: "Never",
      activeDeadlineSeconds: pod.deadlineSeconds,
      terminationGracePeriodSeconds: 5,
      // The account of the bridge's pods, which has no rights, and no token here.
      serviceAccountName: accountOf(facts),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      ...placement(facts, pod),
      containers: [containerOf(facts, pod)],
    },
  };
}

function accountOf({ bridge }: CheckFacts): string {
  return zonesOf(bridge.spec).includes("gateway") ? gatewayName(bridge) : collectorName(bridge);
}

/** The gateway's image has the program: gateway/probe. */
function containerOf(facts: CheckFacts, { args }: CheckPod): Container {
  return {
    name: "probe",
    image: imageOf(facts, "gateway"),
    imagePullPolicy: facts.bridge.spec.gateway.pod?.imagePullPolicy ?? "IfNotPresent",
    command: ["node", "/app/gateway/probe/main.js"],
    args: [...args],
    resources: {
      requests: { cpu: "10m", memory: "64Mi" },
      limits: { cpu: "500m", memory: "128Mi" },
    },
    securityContext: restricted,
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
  };
}

/**
 * By affinity and not by nodeName, so that the scheduler sees to what the node has to give. On a node
 * it tolerates what the bridge's pods do, since it has to come where they are.
 */
function placement({ bridge, settings }: CheckFacts, { site }: CheckPod): Partial<PodSpec> {
  const { collector, gateway } = bridge.spec;
  const runtimeClassName = gateway.pod?.runtimeClassName;
  const pullSecrets = pullSecretsOf({ bridge, settings }, "gateway");
  const shared = {
    ...(pullSecrets.length === 0 ? {} : { imagePullSecrets: pullSecrets }),
    ...(runtimeClassName === undefined ? {} : { runtimeClassName }),
  };
  if (site === "collector") {
    const { nodeSelector, tolerations, affinity } = collector?.pod ?? {};
    return {
      ...shared,
      ...(nodeSelector && { nodeSelector }),
      ...(tolerations && { tolerations }),
      ...(affinity && { affinity }),
    };
  }
  const term: NodeSelectorTerm = {
    matchFields: [{ key: "metadata.name", operator: "In", values: [site.node] }],
  };
  return {
    ...shared,
    tolerations: [...(collector?.pod?.tolerations ?? []), ...(gateway.pod?.tolerations ?? [])],
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] },
      },
    },
  };
}

/** Arguments of a pod that listens. */
export function targetArgs(ports: readonly number[], seconds: number): string[] {
  const listeners = ports.flatMap((port) => [`tcp/${port}`, `udp/${port}`]);
  return [...listeners.flatMap((listener) => ["--listen", listener]), "--seconds", `${seconds}`];
}

/** Arguments of a pod that attempts. */
export function attemptArgs(
  endpoints: readonly Endpoint[],
  { seconds, untilOpen }: { readonly seconds: number; readonly untilOpen: boolean },
): string[] {
  const attempts = endpoints.flatMap((endpoint) => ["--attempt", endpointText(endpoint)]);
  return [...attempts, "--seconds", `${seconds}`, ...(untilOpen ? ["--until-open"] : [])];
}
