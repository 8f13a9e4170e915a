import type { ApiClient } from "../../operator/api/client.ts";
import type { ApiObject } from "../../operator/api/object.ts";
import { bridges } from "../../operator/reconcile/kinds.ts";
import { parallel } from "./parallel.ts";

/** Names of the same length, so that one can stand for the other in any text. */
export function bridgeNames(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `b${String(n).padStart(5, "0")}`);
}

/** Creates the smallest useful bridges. @returns them, as they are stored */
export async function createBridges(
  client: ApiClient,
  namespace: string,
  names: readonly string[],
): Promise<ApiObject[]> {
  const created: ApiObject[] = [];
  await parallel(names, 8, async (name) => {
    const bridge = {
      apiVersion: `${bridges.group}/${bridges.version}`,
      kind: bridges.kind,
      metadata: { name },
      spec: { sources: [{ name: "lab", type: "Quantis", url: "https://192.0.2.10" }] },
    };
    created.push(await client.create(bridges, namespace, bridge));
  });
  return created;
}

/** @throws when a bridge is not applied: what was measured is then worth nothing */
export async function assertApplied(
  client: ApiClient,
  namespace: string,
  count: number,
): Promise<void> {
  const { items } = await client.list(bridges, { namespace });
  const applied = items.filter(({ metadata, ...object }) => {
    const status = object["status"] as { observedGeneration?: number } | undefined;
    return status?.observedGeneration === metadata.generation;
  });
  if (applied.length !== count) throw new Error(`${applied.length} of ${count} bridges applied`);
}
