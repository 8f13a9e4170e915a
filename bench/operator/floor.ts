import type { ApiClient } from "../../operator/api/client.ts";
import type { ApiObject } from "../../operator/api/object.ts";
import { apiVersion, type Resource } from "../../operator/api/resources.ts";
import { bridgeLabel } from "../../operator/build/metadata.ts";
import { bridges, ownedKinds } from "../../operator/reconcile/kinds.ts";
import { parallel } from "./parallel.ts";

/** What was written for one bridge, in the order of its kinds. */
export interface Template {
  readonly name: string;
  readonly objects: readonly (readonly [Resource, ApiObject])[];
  readonly status: unknown;
}

/** Reads what an operator has made of a bridge. */
export async function readTemplate(
  client: ApiClient,
  namespace: string,
  name: string,
): Promise<Template> {
  const labelSelector = `${bridgeLabel}=${name}`;
  const objects: (readonly [Resource, ApiObject])[] = [];
  for (const resource of ownedKinds) {
    const { items } = await client.list(resource, { namespace, labelSelector });
    objects.push(...items.map((item) => [resource, wantedOf(resource, item)] as const));
  }
  const bridge = await client.get(bridges, { namespace, name });
  return { name, objects, status: bridge?.["status"] };
}

/** Without what the API server adds, and without addresses that are given once. */
function wantedOf(resource: Resource, { metadata, ...object }: ApiObject): ApiObject {
  const { name, uid, labels, annotations, ownerReferences } = metadata;
  const { status: _, spec, ...rest } = object;
  const { clusterIP: __, clusterIPs: ___, ...kept } = (spec ?? {}) as Record<string, unknown>;
  return {
    ...rest,
    apiVersion: apiVersion(resource),
    kind: resource.kind,
    metadata: { name, uid, resourceVersion: "", labels, annotations, ownerReferences },
    ...(spec !== undefined && { spec: kept }),
  };
}

/**
 * Writes for each bridge what an operator would have, one after the other, without reading or
 * deciding anything: nobody who writes the same can be faster.
 * @returns seconds
 */
export async function writeAll(
  client: ApiClient,
  template: Template,
  created: readonly ApiObject[],
  width: number,
): Promise<number> {
  const start = performance.now();
  await parallel(created, width, async ({ metadata: { name, namespace } }) => {
    const rename = (value: unknown): Record<string, unknown> =>
      JSON.parse(JSON.stringify(value).replaceAll(template.name, name)) as Record<string, unknown>;
    for (const [resource, object] of template.objects) {
      const { metadata, ...rest } = object;
      const { uid: _, resourceVersion: __, ...kept } = metadata;
      const renamed = rename({ ...rest, metadata: kept });
      const at = { namespace, name: metadata.name.replaceAll(template.name, name) };
      await client.apply(resource, at, renamed);
    }
    const status = rename(template.status);
    const bridge = { apiVersion: apiVersion(bridges), kind: bridges.kind, metadata: { name } };
    await client.apply(
      bridges,
      { namespace, name },
      { ...bridge, status },
      { subresource: "status" },
    );
  });
  return (performance.now() - start) / 1_000;
}
