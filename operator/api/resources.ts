/** A kind of object as the API's paths name it. */
export interface Resource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
}

/** Where an object is; no namespace for what belongs to the whole cluster. */
export interface ObjectName {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** What is asked of the API, in the words of RBAC. */
export interface ApiCall {
  readonly verb: "get" | "list" | "watch" | "create" | "update" | "patch" | "delete";
  readonly resource: Resource;
  readonly subresource?: string | undefined;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

const methods = {
  get: "GET",
  list: "GET",
  watch: "GET",
  create: "POST",
  update: "PUT",
  patch: "PATCH",
  delete: "DELETE",
} as const;
export type Method = (typeof methods)[ApiCall["verb"]];

export function methodOf({ verb }: ApiCall): Method {
  return methods[verb];
}

/** Such as `patch deployments.apps/status lab-gateway in production`. */
export function describeCall({ verb, resource, subresource, namespace, name }: ApiCall): string {
  const { group, plural } = resource;
  const kind = plural + (group === "" ? "" : `.${group}`);
  const part = subresource === undefined ? "" : `/${subresource}`;
  const which = name === undefined ? "" : ` ${name}`;
  return `${verb} ${kind}${part}${which}${namespace === undefined ? "" : ` in ${namespace}`}`;
}

/** The `apiVersion` of its objects. */
export function apiVersion({ group, version }: Resource): string {
  return group === "" ? version : `${group}/${version}`;
}

/** The path under which a version of a group is served. */
export function versionPath({ group, version }: Resource): string {
  return `/${group === "" ? "api" : `apis/${group}`}/${version}`;
}

/**
 * The path of an object, or of all objects of a kind in a namespace or in the whole cluster.
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris
 */
export function callPath({ resource, subresource, namespace, name }: ApiCall): string {
  const parts = [
    ...(namespace === undefined ? [] : ["namespaces", namespace]),
    resource.plural,
    ...(name === undefined ? [] : [name]),
    ...(subresource === undefined ? [] : [subresource]),
  ];
  return [versionPath(resource), ...parts.map(encodeURIComponent)].join("/");
}
