import type { Resource } from "../../../operator/api/resources.ts";

const core = (kind: string, plural: string): Resource => ({
  group: "",
  version: "v1",
  kind,
  plural,
});

export const configMaps = core("ConfigMap", "configmaps");
export const secrets = core("Secret", "secrets");
export const namespaces = core("Namespace", "namespaces");
export const deployments: Resource = {
  group: "apps",
  version: "v1",
  kind: "Deployment",
  plural: "deployments",
};
