import type { ControlPlaneAccess } from "../../cluster/access.ts";
import { applyYaml } from "../../cluster/objects.ts";

/** Creates the ServiceAccount `operator`. */
export async function createServiceAccount(
  cluster: ControlPlaneAccess,
  namespace: string,
): Promise<void> {
  const yaml = "{apiVersion: v1, kind: ServiceAccount, metadata: {name: operator}}";
  await applyYaml(cluster, yaml, { namespace });
}

/** Lets the ServiceAccount `operator` do something with core objects; it takes a moment to hold. */
export async function grant(
  cluster: ControlPlaneAccess,
  namespace: string,
  resources: readonly string[],
  verbs: readonly string[],
): Promise<void> {
  const group = "rbac.authorization.k8s.io";
  const base = { apiVersion: `${group}/v1`, metadata: { name: "operator" } };
  const subjects = [{ kind: "ServiceAccount", name: "operator", namespace }];
  const roleRef = { apiGroup: group, kind: "Role", name: "operator" };
  const role = { ...base, kind: "Role", rules: [{ apiGroups: [""], resources, verbs }] };
  const binding = { ...base, kind: "RoleBinding", roleRef, subjects };
  for (const object of [role, binding]) {
    await applyYaml(cluster, JSON.stringify(object), { namespace });
  }
}
