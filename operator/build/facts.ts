import type { ClientKeyContent } from "../apiKeys/clientKey.ts";
import type { GatewayKeysContent } from "../apiKeys/hashes.ts";
import type { StoredBridge } from "../bridge/schema.ts";
import type { AuthorityContent, LeafContent } from "../certificates/chain.ts";
import type { RingContent } from "../signing/book.ts";
import type { OperatorSettings } from "./settings.ts";

/** What builders know, and nothing else: whoever gathers it decides, they only write it down. */
export interface Facts {
  readonly bridge: StoredBridge;
  readonly settings: OperatorSettings;
  readonly secrets: SecretContents;
  readonly trust: Trust;
  /** Whose certificates pods show. */
  readonly shown: Issuer;
  readonly offered: OfferedKinds;
  /** Whether the one-way check has shown that the flow runs one way. */
  readonly isVerified: boolean;
}

/** The bridge itself, or cert-manager, once it has made what `tls.issuerRef` asks for. */
export type Issuer = "bridge" | "cert-manager";

/** What the bridge's Secrets are to hold. Each is there where the topology has a use for it. */
export interface SecretContents {
  readonly signing?: RingContent | undefined;
  /** The clients' key; left out where a Secret of the user's holds them. */
  readonly clientKey?: ClientKeyContent | undefined;
  readonly gatewayKeys?: GatewayKeysContent | undefined;
  /** The bridge's own CAs and leaves; all four are left out where cert-manager's are shown. */
  readonly gatewayAuthority?: AuthorityContent | undefined;
  readonly collectorAuthority?: AuthorityContent | undefined;
  readonly gatewayLeaf?: LeafContent | undefined;
  readonly collectorLeaf?: LeafContent | undefined;
}

/**
 * PEM of the CAs, the one before as well while both are trusted. Undefined until an issuer has
 * said; pods wait for it.
 */
export interface Trust {
  /** Of the certificates that gateways show. */
  readonly servers?: string | undefined;
  /** Of the certificate that the collector shows. */
  readonly collectors?: string | undefined;
}

/** Kinds that a cluster may lack. */
export interface OfferedKinds {
  /** cert-manager's. */
  readonly certificate: boolean;
  readonly serviceMonitor: boolean;
  readonly prometheusRule: boolean;
}
