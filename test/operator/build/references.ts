import type { Deployment } from "kubernetes-types/apps/v1.js";
import type { ConfigMap, PodSpec, Secret, Service, Volume } from "kubernetes-types/core/v1.js";
import type { Certificate } from "../../../operator/build/certificates.ts";
import type { OwnedObject } from "../../../operator/build/metadata.ts";

/** What objects say of each other. */
export type BuiltDeployment = Deployment & OwnedObject;
export type BuiltService = Service & OwnedObject;

export function ofKind<Kind extends OwnedObject>(
  objects: readonly OwnedObject[],
  kind: string,
): Kind[] {
  return objects.filter((object) => object.kind === kind) as Kind[];
}

export function podSpecOf({ spec }: BuiltDeployment): PodSpec {
  return spec!.template.spec!;
}

/** Such as `Secret lab-signing ring.json`: what a pod waits for until it is there. */
export function neededBy({ volumes = [], serviceAccountName }: PodSpec): string[] {
  return [`ServiceAccount ${serviceAccountName}`, ...volumes.flatMap(neededForVolume)];
}

function neededForVolume({ configMap, secret }: Volume): string[] {
  if (configMap !== undefined) return withKeys(`ConfigMap ${configMap.name}`, configMap.items);
  if (secret !== undefined) return withKeys(`Secret ${secret.secretName}`, secret.items);
  return [];
}

function withKeys(what: string, items: readonly { key: string }[] | undefined): string[] {
  return items === undefined ? [what] : items.map(({ key }) => `${what} ${key}`);
}

/** Everything that objects offer to pods, in the same words. */
export function offeredBy(objects: readonly OwnedObject[]): string[] {
  const data = [
    ...ofKind<ConfigMap & OwnedObject>(objects, "ConfigMap"),
    ...ofKind<Secret & OwnedObject>(objects, "Secret"),
  ];
  return [
    ...ofKind(objects, "ServiceAccount").map(nameOf),
    ...data.flatMap((object) => [
      nameOf(object),
      ...Object.keys(object.data ?? {}).map((key) => `${nameOf(object)} ${key}`),
    ]),
    // What cert-manager will write.
    ...ofKind<Certificate>(objects, "Certificate").flatMap(({ spec: { secretName } }) =>
      ["tls.crt", "tls.key"].map((key) => `Secret ${secretName} ${key}`),
    ),
  ];
}

export function nameOf({ kind, metadata }: OwnedObject): string {
  return `${kind} ${metadata.name}`;
}

/** Whether a map of labels is a part of another. */
export function isSubset(part: object | undefined, whole: object | undefined): boolean {
  return Object.entries(part ?? {}).every(
    ([key, value]) => (whole as Record<string, unknown> | undefined)?.[key] === value,
  );
}
