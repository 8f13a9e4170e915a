import type { StoredBridge } from "../bridge/schema.ts";
import type { BridgeStatus } from "../bridge/status.ts";
import type { Facts } from "../build/facts.ts";
import { servingSelector } from "../build/metadata.ts";
import { apiKeysSecretName, gatewayName, pushServiceName, serverCaName } from "../build/names.ts";
import { ports } from "../build/ports.ts";
import type { GatewayReport } from "../gateways/reports.ts";
import type { Considered } from "../oneWay/consider.ts";
import {
  isFalse,
  isTrue,
  isUnknown,
  type Saying,
  type Sayings,
  setConditions,
  timeText,
} from "./conditions.ts";
import type { DeploymentState } from "./deploymentState.ts";
import { type Flow, judgeFlow } from "./flowing.ts";
import { sayMonitored } from "./monitored.ts";
import type { SecretDecision } from "./secrets.ts";
import type { StalledError } from "./trouble.ts";

/** A Deployment that the bridge wants, and how far it is. */
export interface Rollout {
  readonly name: string;
  readonly replicas: number;
  /** Undefined while it is not known to be there. */
  readonly state: DeploymentState | undefined;
}

/** All that a bridge's status is made of, once everything is applied. */
export interface Outcome {
  readonly facts: Facts;
  readonly decision: Pick<SecretDecision, "signing" | "certificates">;
  readonly rollouts: readonly Rollout[];
  readonly reports: readonly GatewayReport[];
  readonly oneWay: Pick<Considered, "saying" | "record">;
  /** What it waits for all the same. */
  readonly waitsFor?: StalledError | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export type Subject = Pick<StoredBridge, "status"> & {
  readonly metadata: Pick<StoredBridge["metadata"], "generation">;
};

/** The status of a bridge that was brought into order. */
export function settledStatus(outcome: Outcome): BridgeStatus {
  const { facts, decision, rollouts, oneWay, now } = outcome;
  const { bridge } = facts;
  const { signing, certificates } = decision;
  const flow = judgeFlow(outcome);
  const rolling = sayRollingOut(rollouts);
  const certificatesValid = sayCertificates(outcome);
  const sayings = {
    Ready: sayReady(outcome, { flow, certificatesValid }),
    Reconciling: rolling ?? isFalse("UpToDate", "everything is as the spec says"),
    Stalled: notStalled,
    EntropyFlowing: flow.saying,
    OneWayVerified: oneWay.saying,
    CertificatesValid: certificatesValid,
    SigningKeyCurrent: saySigning(signing),
    Monitored: sayMonitored(facts),
    ...(outcome.waitsFor && sayStalled(outcome.waitsFor)),
  };
  const gateways = rollouts.find(({ name }) => name === gatewayName(bridge));
  const situation = { previous: bridge.status, generation: bridge.metadata.generation, now };
  return {
    observedGeneration: bridge.metadata.generation,
    conditions: setConditions(sayings, situation),
    ...(flow.hasFlowed === true && { hasFlowed: true }),
    ...endpointsOf(facts),
    replicas: gateways?.state?.pods ?? 0,
    readyReplicas: gateways?.state?.ready ?? 0,
    ...(gateways && { selector: servingSelector(facts) }),
    ...(signing && {
      signing: {
        keyId: signing.signingKeyId,
        ...(signing.nextKeyId !== undefined && { nextKeyId: signing.nextKeyId }),
        ...(signing.nextRotation !== undefined && { nextRotationTime: signing.nextRotation }),
      },
    }),
    ...(certificates.dates && {
      certificates: {
        notAfter: timeText(certificates.dates.end.getTime()),
        renewalTime: timeText(certificates.dates.renewal.getTime()),
      },
    }),
    ...(oneWay.record && { oneWayCheck: oneWay.record }),
  };
}

const notStalled = isFalse("NotStalled", "nothing waits for anybody");

/** The status of a bridge that waits for somebody: what was true of its pods stays said. */
export function stalledStatus(
  { status, metadata: { generation } }: Subject,
  stalled: StalledError,
  now: number,
): BridgeStatus {
  const situation = { previous: status, generation, now };
  const conditions = setConditions(sayStalled(stalled), situation);
  return { ...status, observedGeneration: generation, conditions };
}

function sayStalled({ reason, message }: StalledError): Sayings {
  return {
    Ready: isFalse(reason, message),
    Reconciling: isFalse("Stalled", "waits until what Stalled says is put right"),
    Stalled: isTrue(reason, message),
  };
}

/** While something fails that may work the next time. */
export function retryingStatus(
  { status, metadata: { generation } }: Subject,
  message: string,
  now: number,
): BridgeStatus {
  const sayings = { Reconciling: isTrue("Retrying", message), Stalled: notStalled };
  return { ...status, conditions: setConditions(sayings, { previous: status, generation, now }) };
}

export function pausedStatus(
  { status, metadata: { generation } }: Subject,
  annotation: string,
  now: number,
): BridgeStatus {
  const message = `nothing is changed while the annotation ${annotation} is there`;
  const sayings = { Reconciling: isFalse("Paused", message), Stalled: notStalled };
  const conditions = setConditions(sayings, { previous: status, generation, now });
  return { ...status, observedGeneration: generation, conditions };
}

interface Parts {
  readonly flow: Flow;
  readonly certificatesValid: Saying;
}

function sayReady({ facts, rollouts }: Outcome, { flow, certificatesValid }: Parts): Saying {
  const { spec } = facts.bridge;
  if (spec.suspend) return isFalse("Suspended", "spec.suspend is true: no pod runs");
  if (certificatesValid.status !== "True") {
    return isFalse(certificatesValid.reason, certificatesValid.message);
  }
  const short = rollouts.find(
    ({ replicas, state }) => replicas > 0 && (state === undefined || isShort(state, replicas)),
  );
  if (short !== undefined) {
    const { name, replicas, state } = short;
    const available = `Deployment ${name}: ${state?.available ?? 0} of ${replicas} pods available`;
    const why = state?.failure === undefined ? "" : `: ${state.failure}`;
    return isFalse("PodsNotAvailable", available + why);
  }
  if (spec.oneWayCheck?.enforcement === "Require" && !facts.isVerified) {
    const message = "the collector waits until the flow is shown to run one way";
    return isFalse("WaitingForOneWayCheck", message);
  }
  if (flow.hasFlowed === false) return isFalse("NoBytesYet", flow.saying.message);
  return isTrue("Ready", "applied, available, and bytes have flowed");
}

function isShort(state: DeploymentState, replicas: number): boolean {
  return !isObserved(state) || state.available < replicas;
}

/** Whether what a Deployment's controller says is of its newest spec. */
function isObserved({ observed, generation = 0 }: DeploymentState): boolean {
  return observed >= generation;
}

function sayRollingOut(rollouts: readonly Rollout[]): Saying | undefined {
  const under = rollouts.find(({ replicas, state }) => {
    if (state === undefined || !isObserved(state)) return true;
    const { updated, pods, available } = state;
    return updated < replicas || pods !== replicas || available < replicas;
  });
  if (under === undefined) return undefined;
  const updated = under.state !== undefined && isObserved(under.state) ? under.state.updated : 0;
  const message = `Deployment ${under.name}: ${updated} of ${under.replicas} pods are new`;
  return isTrue("RollingOut", message);
}

function sayCertificates({ facts, decision, now }: Outcome): Saying {
  const { missing, dates } = decision.certificates;
  if (missing.length > 0 && facts.shown === "cert-manager") {
    const message = `not issued yet: ${missing.join(", ")}; see the issuer's Certificates`;
    return isFalse("NotIssued", message);
  }
  if (dates !== undefined && dates.end.getTime() <= now) {
    return isFalse("Expired", "a certificate has ended; see the operator's log for why");
  }
  if (missing.length > 0) {
    const message = `the bridge's own are shown until there is ${missing.join(", ")}; see the issuer's Certificates`;
    return isTrue("WaitingForIssuer", message);
  }
  return isTrue("Valid", "all certificates are valid");
}

function saySigning(signing: Outcome["decision"]["signing"]): Saying {
  if (signing === undefined) return isUnknown("NotNeeded", "with Direct nothing is signed");
  const { reason, message } = signing;
  return reason === "SourceUnusable" ? isFalse(reason, message) : isTrue(reason, message);
}

/** None where there are none: the API server makes null of an object that an apply leaves empty. */
function endpointsOf({ bridge, trust }: Facts): Pick<BridgeStatus, "endpoints"> {
  const { topology, gateway } = bridge.spec;
  if (topology === "CollectorOnly") return {};
  const { namespace } = bridge.metadata;
  const at = (service: string, port: number): string => `https://${service}.${namespace}:${port}`;
  const endpoints = {
    api: at(gatewayName(bridge), ports.api.number),
    ...(topology === "GatewayOnly" && {
      push: `${at(pushServiceName(bridge), ports.push.number)}/push`,
    }),
    ...(trust.servers !== undefined && { caConfigMap: serverCaName(bridge) }),
    apiKeysSecret: gateway.apiKeysSecretRef?.name ?? apiKeysSecretName(bridge),
  };
  return { endpoints };
}
