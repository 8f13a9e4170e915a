import type { Deployment } from "kubernetes-types/apps/v1.js";
import type { NetworkPolicy } from "kubernetes-types/networking/v1.js";
import type { OwnedObject } from "../../../operator/build/metadata.ts";
import { makeFacts, objectsOf, settings } from "../build/facts.ts";
import { type GoldenName, goldenSpecs } from "../build/specs.ts";
import { type Connection, isAllowed, type Party, type Pod, type World } from "./evaluator.ts";

/** A bridge among others: who stands around it, and who may connect to whom. */
const namespace = "physics";
export const tried = [53, 443, 3128, 5353, 6379, 6443, 6380, 7764, 7765, 9464, 9465, 9466];
const protocols = ["TCP", "UDP"] as const;

const lone = (name: string, labels: Record<string, string>, where = namespace): Pod => ({
  name,
  namespace: where,
  labels,
  addresses: [`10.9.0.${name.length}`],
});

/** By their names in docs/network.md. */
const bystanders: Readonly<Record<string, Party>> = {
  "source's address": { address: "192.0.2.10" },
  "gateway's address elsewhere": { address: "198.51.100.7" },
  "collector's address elsewhere": { address: "203.0.113.4" },
  "client's address": { address: "100.64.0.20" },
  "excepted address": { address: "100.64.0.200" },
  "any other address": { address: "8.8.8.8" },
  "API server": { address: "172.16.0.1" },
  "pod of the namespace": lone("client", { app: "client" }),
  "pod of a client namespace": lone("app", {}, "team"),
  "pod elsewhere": lone("stranger", { app: "proxy" }, "elsewhere"),
  operator: lone("operator", { ...settings.operator.podLabels }, settings.operator.namespace),
  "other pod beside the operator": lone("beside", {}, settings.operator.namespace),
  Prometheus: lone("prometheus", { "app.kubernetes.io/name": "prometheus" }, "monitoring"),
  DNS: lone("coredns", { "k8s-app": "kube-dns" }, "kube-system"),
  "OpenShift's DNS": lone(
    "dns-default",
    { "dns.operator.openshift.io/daemonset-dns": "default" },
    "openshift-dns",
  ),
  "other pod in kube-system": lone("proxy-x", {}, "kube-system"),
};

/** Pods that one of the bridges goes to. */
const services: Readonly<Record<string, Party>> = {
  proxy: lone("proxy", { app: "proxy" }),
  Redis: lone("redis", { app: "redis" }),
};

/** One row: a connection that is allowed. */
export interface Row {
  readonly from: string;
  readonly to: string;
  /** Such as `7765 TCP`. */
  readonly port: string;
}

/**
 * Every connection that is allowed and has a pod of the bridge at one end or both; "gateway" stands
 * for each of them.
 */
export function allowedRows(name: GoldenName, world: Partial<World> = {}): Row[] {
  const own = objectsOf(makeFacts(goldenSpecs[name]));
  // Another bridge beside it, so that whoever takes its labels too lightly is found out.
  const other = objectsOf(makeFacts(goldenSpecs.smallest, { name: "other" }));
  const ownPods = podsOf(own, "");
  const parties: Record<string, Party> = {
    ...ownPods,
    ...podsOf(other, "another bridge's "),
    ...bystanders,
    ...(name === "full" ? services : {}),
  };
  const scene: World = {
    namespaces: { team: { team: "physics" } },
    policies: [...policiesOf(own), ...policiesOf(other)],
    ...world,
  };
  return rowsBetween(scene, parties, Object.keys(ownPods));
}

/** Every connection that is allowed and has one of the bridge's own pods at one end or both. */
export function rowsBetween(
  world: World,
  parties: Readonly<Record<string, Party>>,
  own: readonly string[],
): Row[] {
  return Object.entries(parties).flatMap(([from, fromParty]) =>
    Object.entries(parties)
      .filter(([to]) => from !== to && (own.includes(from) || own.includes(to)))
      .flatMap(([to, toParty]) =>
        openPorts(world, fromParty, toParty).map((port) => ({
          from: roleOf(from),
          to: roleOf(to),
          port,
        })),
      ),
  );
}

export function roleOf(party: string): string {
  return party.replace(/^other gateway$/, "gateway");
}

function openPorts(world: World, from: Party, to: Party): string[] {
  const connections = tried.flatMap((port) =>
    protocols.map((protocol): Connection => ({ from, to, protocol, port })),
  );
  return connections
    .filter((connection) => isAllowed(world, connection))
    .map(({ port, protocol }) => `${port} ${protocol}`);
}

function policiesOf(objects: readonly OwnedObject[]): NetworkPolicy[] {
  return objects.filter(({ kind }) => kind === "NetworkPolicy") as NetworkPolicy[];
}

/** One pod of each Deployment; of gateways two, since they must not reach each other. */
function podsOf(objects: readonly OwnedObject[], whose: string): Record<string, Pod> {
  const deployments = objects.filter(({ kind }) => kind === "Deployment") as (Deployment &
    OwnedObject)[];
  return Object.fromEntries(
    deployments.flatMap(({ metadata, spec }) => {
      const program = spec?.template.spec?.containers[0]?.name ?? "";
      const names = program === "gateway" ? ["gateway", "other gateway"] : [program];
      return names.map((name, n): [string, Pod] => [
        `${whose}${name}`,
        {
          name: `${metadata.name}-${n}`,
          namespace: metadata.namespace,
          labels: spec?.template.metadata?.labels ?? {},
          addresses: [`10.0.${whose.length}.${name.length}`],
        },
      ]);
    }),
  );
}
