import type { BridgeSpec } from "../bridge/spec.ts";
import { collectorCaName, type Named, serverCaName } from "../build/names.ts";

/** Something in the bridge's namespace that its spec refers to. */
export interface Reference {
  /** Where the spec does. */
  readonly field: string;
  readonly kind: "Secret" | "ConfigMap";
  readonly name: string;
  /** What it has to hold; any when empty. */
  readonly keys: readonly string[];
  /**
   * The ConfigMap that the other half of the bridge is given in return. While this is missing, that
   * one is made all the same: else each half would wait for the other's. Pods wait by themselves.
   */
  readonly inReturn?: ((bridge: Named) => string) | undefined;
}

/** All that is used with the bridge's topology. */
export function listReferences(spec: BridgeSpec): Reference[] {
  const { topology, sources, collector, gateway, signing } = spec;
  const hasCollector = topology === "InCluster" || topology === "CollectorOnly";
  const hasGateways = topology !== "CollectorOnly";
  return [
    ...sources.flatMap(({ name, authSecretRef, caRef, clientCertificateRef }) => [
      ...secret(`sources ${name}: authSecretRef`, authSecretRef),
      ...ca(`sources ${name}: caRef`, caRef),
      ...pair(`sources ${name}: clientCertificateRef`, clientCertificateRef),
    ]),
    ...(hasCollector
      ? [
          ...secret("collector.proxy.authSecretRef", collector?.proxy?.authSecretRef),
          ...ca(
            "collector.push.caRef",
            collector?.push?.caRef,
            collector?.push?.clientCertificateRef === undefined ? collectorCaName : undefined,
          ),
          ...pair("collector.push.clientCertificateRef", collector?.push?.clientCertificateRef),
        ]
      : []),
    ...(hasGateways
      ? [
          ...whole("gateway.apiKeysSecretRef", gateway.apiKeysSecretRef),
          ...secret("gateway.redis.authSecretRef", gateway.redis?.authSecretRef),
          ...ca("gateway.redis.caRef", gateway.redis?.caRef),
          ...ca("gateway.push.clientCARef", gateway.push?.clientCARef, serverCaName),
        ]
      : []),
    ...(topology === "Direct" ? [] : secret("signing.secretRef", signing?.secretRef)),
  ];
}

function secret(
  field: string,
  given: { readonly name: string; readonly key: string } | undefined,
): Reference[] {
  return given === undefined
    ? []
    : [{ field, kind: "Secret", name: given.name, keys: [given.key] }];
}

function whole(field: string, given: { readonly name: string } | undefined): Reference[] {
  return given === undefined ? [] : [{ field, kind: "Secret", name: given.name, keys: [] }];
}

function ca(
  field: string,
  given: (Pick<Reference, "kind" | "name"> & { readonly key: string }) | undefined,
  inReturn?: Reference["inReturn"],
): Reference[] {
  if (given === undefined) return [];
  const { kind, name, key } = given;
  return [{ field, kind, name, keys: [key], inReturn }];
}

function pair(field: string, given: { readonly name: string } | undefined): Reference[] {
  if (given === undefined) return [];
  return [{ field, kind: "Secret", name: given.name, keys: ["tls.crt", "tls.key"] }];
}
