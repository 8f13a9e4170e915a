import type { BridgeInput } from "../../../operator/bridge/schema.ts";
import { callPath, type Resource } from "../../../operator/api/resources.ts";
import type { BridgeStatus } from "../../../operator/bridge/status.ts";
import { bridges, optionalKinds, ownedKinds, pods } from "../../../operator/reconcile/kinds.ts";
import type { ControlPlaneAccess } from "../../cluster/access.ts";
import { applyYaml } from "../../cluster/objects.ts";
import { eventually } from "../../helpers/eventually.ts";

export type Spec = BridgeInput["spec"];

export const smallest: Spec = {
  sources: [{ name: "lab", type: "Quantis", url: "https://192.0.2.10" }],
};

export interface StoredObject {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { readonly uid: string }[];
  };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: BridgeStatus;
  readonly data?: Readonly<Record<string, string>>;
}

/** As the API gives it. */
type Read = StoredObject & { readonly metadata: { readonly managedFields?: unknown } };

const events: Resource = {
  group: "events.k8s.io",
  version: "v1",
  kind: "Event",
  plural: "events",
};
const kinds = [bridges, pods, events, ...ownedKinds, ...Object.values<Resource>(optionalKinds)];

/** @param name its kind or its plural, as kubectl takes them */
function resourceNamed(name: string): Resource {
  const small = name.toLowerCase();
  const found = kinds.find(({ kind, plural }) => [kind.toLowerCase(), plural].includes(small));
  if (found === undefined) throw new Error(`tests know no kind ${name}`);
  return found;
}

/** A namespace as its users see it. */
export function inNamespace(cluster: ControlPlaneAccess, namespace: string) {
  const at = ["--namespace", namespace];
  /** As kubectl shows it: without who set which field. */
  const get = async (kind: string, name: string) => {
    const path = callPath({ verb: "get", resource: resourceNamed(kind), namespace, name });
    const object = (await cluster.read(path)) as Read | undefined;
    if (object === undefined) return undefined;
    const { managedFields: _, ...metadata } = object.metadata;
    return { ...object, metadata } satisfies StoredObject;
  };
  /** With their kind, which lists leave out. */
  const list = async (kind: string, labelSelector = ""): Promise<StoredObject[]> => {
    const resource = resourceNamed(kind);
    const path = callPath({ verb: "list", resource, namespace });
    const query = new URLSearchParams({ labelSelector });
    const { items } = (await cluster.read(`${path}?${query.toString()}`)) as {
      items: StoredObject[];
    };
    return items.map((item) => ({ ...item, kind: resource.kind }));
  };
  const conditionOf = async (name: string, type: string) => {
    const bridge = await get("qrngbridge", name);
    const found = bridge?.status?.conditions?.find((condition) => condition.type === type);
    return found?.observedGeneration === bridge?.metadata.generation ? found : undefined;
  };
  return {
    get,
    kubectl: (...args: string[]) => cluster.kubectl([...args, ...at]),
    applyBridge: (name: string, spec: Spec, metadata: object = {}) =>
      applyYaml(
        cluster,
        JSON.stringify({
          apiVersion: "qrngbridge.io/v1alpha1",
          kind: "QrngBridge",
          metadata: { name, ...metadata },
          spec,
        }),
        { namespace },
      ),
    apply: (object: object) => applyYaml(cluster, JSON.stringify(object), { namespace }),
    conditionOf,
    /** Waits until a condition of the bridge's newest spec has a reason, and gives its message. */
    reasonIs: async (name: string, type: string, reason: string): Promise<string> => {
      const found = await eventually(async () => {
        const condition = await conditionOf(name, type);
        return condition?.reason === reason && condition;
      }, 120_000);
      return found.message;
    },
    /** All objects of the kinds that a bridge owns, by kind and name. */
    owned: async (name: string): Promise<Map<string, StoredObject>> => {
      const selector = `qrngbridge.io/bridge=${name}`;
      const lists = await Promise.all(ownedKinds.map(({ plural }) => list(plural, selector)));
      return new Map(lists.flat().map((item) => [`${item.kind} ${item.metadata.name}`, item]));
    },
    events: async (): Promise<{ reason: string; note: string; series?: { count: number } }[]> =>
      (await list("events")) as (StoredObject & { reason: string; note: string })[],
    /** Says of a Deployment what its controller would, once all pods are there. */
    rollOut: async (name: string): Promise<void> => {
      const found = await eventually(() => get("deployment", name));
      const replicas = Number(found.spec?.["replicas"]);
      const status = {
        observedGeneration: found.metadata.generation,
        replicas,
        updatedReplicas: replicas,
        readyReplicas: replicas,
        availableReplicas: replicas,
      };
      const patch = ["--type=merge", "--patch", JSON.stringify({ status })];
      await cluster.kubectl(["patch", "deployment", name, ...at, "--subresource=status", ...patch]);
    },
  };
}
