import { z } from "zod";
import { ApiError } from "./errors.ts";
import type { ApiCall } from "./resources.ts";

const OwnerReferenceSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  controller: z.boolean().optional(),
});

const Metadata = z.looseObject({
  name: z.string(),
  namespace: z.string().optional(),
  uid: z.string(),
  resourceVersion: z.string().default(""), // a dry run's new object has none
  generation: z.int().optional(),
  creationTimestamp: z.string().nullish(),
  deletionTimestamp: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  ownerReferences: z.array(OwnerReferenceSchema).optional(),
});

const ApiObjectSchema = z.looseObject({
  apiVersion: z.string().optional(),
  kind: z.string().optional(),
  metadata: Metadata,
});

/** An object as the API server stores it: its metadata is checked, the rest is `unknown`. */
export type ApiObject = z.infer<typeof ApiObjectSchema>;
export type OwnerReference = z.infer<typeof OwnerReferenceSchema>;

/** One answer to a list. */
export interface Page {
  readonly items: readonly ApiObject[];
  /** The state of the collection that the page shows: where a watch may begin. */
  readonly resourceVersion: string;
  /** For the next page; undefined on the last one. */
  readonly continue: string | undefined;
}

const PageSchema = z.looseObject({
  metadata: z.looseObject({
    resourceVersion: z.string(),
    continue: z.string().optional(),
  }),
  items: z.array(ApiObjectSchema).nullish(),
});

/** @throws ApiError ERR_API_FORMAT, which names the field and never its value */
export function parseObject(call: ApiCall, value: unknown): ApiObject {
  return parse(ApiObjectSchema, call, value);
}

/** @throws ApiError ERR_API_FORMAT, which names the field and never its value */
export function parsePage(call: ApiCall, value: unknown): Page {
  const { metadata, items } = parse(PageSchema, call, value);
  return {
    items: items ?? [],
    resourceVersion: metadata.resourceVersion,
    continue: metadata.continue === "" ? undefined : metadata.continue,
  };
}

const DiscoverySchema = z.looseObject({ resources: z.array(z.looseObject({ name: z.string() })) });

/** The plurals of the kinds that an APIResourceList names. @throws ApiError ERR_API_FORMAT */
export function parsePlurals(call: ApiCall, value: unknown): string[] {
  return parse(DiscoverySchema, call, value).resources.map(({ name }) => name);
}

function parse<T>(schema: z.ZodType<T>, call: ApiCall, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const field = parsed.error.issues[0]?.path.join(".") ?? "";
  throw new ApiError("ERR_API_FORMAT", `answers with a bad ${field || "object"}`, { call });
}

/** `namespace/name`, or `name` where there is no namespace. */
export function keyOf({
  namespace,
  name,
}: {
  namespace?: string | undefined;
  name: string;
}): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
