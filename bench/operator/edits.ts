import { setTimeout as delay } from "node:timers/promises";
import type { ApiClient } from "../../operator/api/client.ts";
import { bridges, deployments } from "../../operator/reconcile/kinds.ts";
import { type Quantiles, quantilesOf } from "./quantiles.ts";

export interface EditTimes {
  /** From sending an edit of a bridge to being told that its Deployment has changed. */
  readonly effect: Quantiles;
  /** The same for an edit of the Deployment itself: what of it the API server takes. */
  readonly direct: Quantiles;
}

/** Milliseconds between two edits. */
const between = 20;

/** Edits bridges one by one, and the same Deployments without an operator. */
export async function timeEdits(
  client: ApiClient,
  edited: { readonly namespace: string; readonly names: readonly string[] },
  direct: { readonly namespace: string; readonly names: readonly string[] },
): Promise<EditTimes> {
  const effect = await timeEach(client, edited, (name) =>
    client.merge(
      bridges,
      { namespace: edited.namespace, name },
      { spec: { gateway: { replicas: 3 } } },
    ),
  );
  const alone = await timeEach(client, direct, (name) =>
    client.merge(
      deployments,
      { namespace: direct.namespace, name: `${name}-gateway` },
      { spec: { replicas: 3 } },
    ),
  );
  return { effect: quantilesOf(effect), direct: quantilesOf(alone) };
}

async function timeEach(
  client: ApiClient,
  { namespace, names }: { readonly namespace: string; readonly names: readonly string[] },
  edit: (name: string) => Promise<unknown>,
): Promise<number[]> {
  const stopping = new AbortController();
  const labelSelector = "qrngbridge.io/bridge";
  const { resourceVersion } = await client.list(deployments, { namespace, labelSelector });
  const events = await client.watch(
    deployments,
    { namespace, labelSelector },
    { resourceVersion, timeoutSeconds: 3_600, silence: 3_600_000, signal: stopping.signal },
  );
  const told = new Map<string, () => void>();
  const following = (async () => {
    for await (const event of events) {
      if (event.type === "BOOKMARK") continue;
      const { metadata, ...object } = event.object;
      const spec = object["spec"] as { replicas?: number };
      if (spec.replicas === 3) told.get(metadata.name)?.();
    }
  })().catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error;
  });
  const times: number[] = [];
  for (const name of names) {
    const { promise, resolve } = Promise.withResolvers<void>();
    told.set(`${name}-gateway`, resolve);
    const start = performance.now();
    await Promise.all([promise, edit(name)]);
    times.push(performance.now() - start);
    await delay(between);
  }
  stopping.abort();
  await following;
  return times;
}
