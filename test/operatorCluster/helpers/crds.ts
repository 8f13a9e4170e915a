import { fileURLToPath } from "node:url";
import type { ControlPlaneAccess } from "../../cluster/access.ts";
import { installCrds } from "../../cluster/objects.ts";
import { eventually } from "../../helpers/eventually.ts";

interface Kind {
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
}

export const monitorKinds: readonly Kind[] = [
  { group: "monitoring.coreos.com", kind: "ServiceMonitor", plural: "servicemonitors" },
  { group: "monitoring.coreos.com", kind: "PrometheusRule", plural: "prometheusrules" },
];

const certificates = new URL("../fixtures/cert-manager.io_certificates.yaml", import.meta.url);

/** cert-manager's own definition of its Certificates. */
export function installCertificates(cluster: ControlPlaneAccess): Promise<void> {
  return installCrds(cluster, [fileURLToPath(certificates)]);
}

/** Definitions of others' kinds that take anything: what they hold is another test's concern. */
export async function defineKinds(
  { kubectl }: ControlPlaneAccess,
  kinds: readonly Kind[],
): Promise<void> {
  for (const { group, kind, plural } of kinds) {
    const definition = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: `${plural}.${group}` },
      spec: {
        group,
        scope: "Namespaced",
        names: { kind, plural, singular: kind.toLowerCase() },
        versions: [
          {
            name: "v1",
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
            },
          },
        ],
      },
    };
    await kubectl(["create", "--filename=-"], { input: JSON.stringify(definition) });
    await eventually(() =>
      kubectl(["get", `${plural}.${group}`]).then(
        () => true,
        () => false,
      ),
    );
  }
}
