import type { randomBytes } from "node:crypto";
import { ensureClientKey } from "../apiKeys/clientKey.ts";
import { hashClientKey, hashGivenKeys } from "../apiKeys/hashes.ts";
import type { StoredBridge } from "../bridge/schema.ts";
import type { Facts } from "../build/facts.ts";
import { apiKeysSecretName, signingSecretName } from "../build/names.ts";
import type { OperatorSettings } from "../build/settings.ts";
import type { ChainStep } from "../certificates/chain.ts";
import type { GatewayReport } from "../gateways/reports.ts";
import type { Now } from "../moment.ts";
import type { Step } from "../signing/draft.ts";
import { rotate, type Rotation } from "../signing/rotate.ts";
import type { KeySource, RingUsers } from "../signing/source.ts";
import { type CertificateStatus, decideCertificates } from "./certificates.ts";
import type { Stored } from "./stored.ts";

export interface SecretInput {
  readonly bridge: StoredBridge;
  readonly settings: OperatorSettings;
  readonly stored: Stored;
  readonly gateways: readonly GatewayReport[];
  readonly now: Now;
  readonly random: typeof randomBytes;
}

/** What Secrets are to hold, and what there is to say of it. */
export interface SecretDecision extends Pick<Facts, "secrets" | "trust" | "shown"> {
  /** Undefined with Direct, which has no packets. */
  readonly signing: Rotation["status"] | undefined;
  readonly certificates: CertificateStatus;
  /** For events. */
  readonly steps: readonly (Step | ChainStep)[];
  /** Seconds until there may be something to do. */
  readonly lookAgain: number;
}

/**
 * Decides on all Secrets of a bridge from what is stored. Nothing that is there and usable is made
 * anew.
 * @throws ConfigError for what a user has to put right
 */
export async function decideSecrets(input: SecretInput): Promise<SecretDecision> {
  const { bridge } = input;
  const isPushed = bridge.spec.topology !== "Direct";
  const rotation = isPushed ? rotate(rotationInput(input)) : undefined;
  const certificates = await decideCertificates(input);
  return {
    secrets: {
      signing: rotation?.content,
      ...(bridge.spec.topology === "CollectorOnly" ? {} : decideApiKeys(input)),
      ...certificates.secrets,
    },
    trust: certificates.trust,
    shown: certificates.shown,
    signing: rotation?.status,
    certificates: certificates.status,
    steps: [...(rotation?.steps ?? []), ...certificates.steps],
    lookAgain: Math.min(rotation?.lookAgain ?? Infinity, certificates.lookAgain),
  };
}

/** Thirty days; the reference of the resource says so. */
const defaultRotation = 2_592_000;

const defaultSigning = {
  overlapSeconds: 3600,
  propagationSeconds: 120,
  revokedKeyIds: undefined,
  rotationSeconds: undefined,
  secretRef: undefined,
};

function rotationInput({ bridge, stored, gateways, now, random }: SecretInput) {
  const { signing = defaultSigning } = bridge.spec;
  const { propagationSeconds, overlapSeconds, revokedKeyIds = [] } = signing;
  return {
    stored: stored.data(signingSecretName(bridge)) ?? {},
    source: keySource(bridge, stored),
    users: ringUsers(bridge, gateways),
    timing: { propagationSeconds, overlapSeconds },
    revokedKeyIds,
    now,
    random,
  };
}

function keySource({ spec }: StoredBridge, stored: Stored): KeySource {
  const { rotationSeconds = defaultRotation, secretRef } = spec.signing ?? defaultSigning;
  const unbound = spec.gateway.push?.acceptUnbound === true;
  if (secretRef === undefined) return { from: "operator", rotationSeconds, unbound };
  const text = stored.given(secretRef.name)?.[secretRef.key];
  return { from: "secretRef", text, use: unbound ? "unbound" : "bound" };
}

function ringUsers(
  { spec: { topology } }: StoredBridge,
  reports: readonly GatewayReport[],
): RingUsers {
  return {
    collector: topology === "GatewayOnly" ? "elsewhere" : "here",
    gateways:
      topology === "CollectorOnly"
        ? "elsewhere"
        : reports.map(({ instance, state }) => ({ instance, keyIds: state?.key_ids })),
  };
}

function decideApiKeys({
  bridge,
  stored,
  random,
}: SecretInput): Pick<Facts["secrets"], "clientKey" | "gatewayKeys"> {
  const reference = bridge.spec.gateway.apiKeysSecretRef;
  if (reference === undefined) {
    const clientKey = ensureClientKey(stored.data(apiKeysSecretName(bridge)) ?? {}, random);
    return { clientKey, gatewayKeys: hashClientKey(clientKey) };
  }
  return { gatewayKeys: hashGivenKeys(stored.given(reference.name) ?? {}) };
}
