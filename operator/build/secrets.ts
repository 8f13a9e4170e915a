import type { Secret } from "kubernetes-types/core/v1.js";
import type { Facts } from "./facts.ts";
import { type Component, type Owned, ownedMetadata } from "./metadata.ts";
import {
  apiKeysSecretName,
  collectorAuthorityName,
  collectorTlsName,
  gatewayAuthorityName,
  gatewayTlsName,
  keyHashesSecretName,
  signingSecretName,
} from "./names.ts";

/** Those Secrets whose content the facts hold. */
export function buildSecrets(facts: Facts): Owned<Secret>[] {
  const { bridge, secrets } = facts;
  const keys = (name: string, content: object | undefined) =>
    buildSecret(facts, { name, component: "keys", type: "Opaque" }, content);
  const leaf = (name: string, component: Component, content: object | undefined) =>
    buildSecret(facts, { name, component, type: "kubernetes.io/tls" }, content);
  return [
    ...keys(signingSecretName(bridge), secrets.signing),
    ...keys(apiKeysSecretName(bridge), secrets.clientKey),
    ...keys(keyHashesSecretName(bridge), secrets.gatewayKeys),
    ...keys(gatewayAuthorityName(bridge), secrets.gatewayAuthority),
    ...keys(collectorAuthorityName(bridge), secrets.collectorAuthority),
    ...leaf(gatewayTlsName(bridge), "gateway", secrets.gatewayLeaf),
    ...leaf(collectorTlsName(bridge), "collector", secrets.collectorLeaf),
  ];
}

interface Header {
  readonly name: string;
  readonly component: Component;
  readonly type: "Opaque" | "kubernetes.io/tls";
}

/** @param content text by key */
function buildSecret(
  facts: Facts,
  { name, component, type }: Header,
  content: object | undefined,
): Owned<Secret>[] {
  if (content === undefined) return [];
  return [
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: ownedMetadata(facts, name, { component }),
      type,
      data: encode(content),
    },
  ];
}

/** As `data`, not `stringData`: that the server does not give back, so nobody could compare it. */
function encode(content: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(content).map(([key, text]: [string, string]) => [
      key,
      Buffer.from(text).toString("base64"),
    ]),
  );
}
