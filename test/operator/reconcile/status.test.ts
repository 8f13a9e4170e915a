import { describe, expect, test } from "vitest";
import type { BridgeInput } from "../../../operator/bridge/schema.ts";
import type { BridgeStatus } from "../../../operator/bridge/status.ts";
import { conditionOf, type ConditionType } from "../../../operator/reconcile/conditions.ts";
import type { DeploymentState } from "../../../operator/reconcile/deploymentState.ts";
import {
  type Outcome,
  pausedStatus,
  retryingStatus,
  settledStatus,
  stalledStatus,
} from "../../../operator/reconcile/status.ts";
import { StalledError } from "../../../operator/reconcile/trouble.ts";
import { makeFacts } from "../build/facts.ts";

type Spec = BridgeInput["spec"];

const lab = { name: "lab", type: "Quantis", url: "https://192.0.2.10" } as const;
const now = Date.UTC(2026, 0, 1);
const later = now + 60_000;

/** A Deployment of two pods, all of them new and available. */
const whole: DeploymentState = {
  uid: "u",
  resourceVersion: "1",
  generation: 3,
  controller: undefined,
  isBeingDeleted: false,
  bridge: "lab",
  intent: undefined,
  fields: undefined,
  otherManager: undefined,
  failure: undefined,
  observed: 3,
  pods: 2,
  updated: 2,
  ready: 2,
  available: 2,
};

interface Init {
  readonly spec?: Partial<Spec>;
  /** Of the gateways; null where it is not known to be there. */
  readonly state?: Partial<DeploymentState> | null;
  readonly isDry?: boolean;
  readonly certificates?: Partial<Outcome["decision"]["certificates"]>;
  readonly shown?: Outcome["facts"]["shown"];
  readonly isVerified?: boolean;
  readonly waitsFor?: StalledError;
  readonly previous?: BridgeStatus;
  readonly now?: number;
}

function settled(init: Init = {}): BridgeStatus {
  const { spec, state = {}, isDry = false, shown = "bridge", isVerified = false } = init;
  const facts = makeFacts({ sources: [lab], ...spec }, { shown, isVerified });
  return settledStatus({
    facts: { ...facts, bridge: { ...facts.bridge, status: init.previous ?? {} } },
    decision: {
      signing: {
        signingKeyId: "k1",
        nextKeyId: undefined,
        leftKeyIds: [],
        reason: "Current",
        message: "key k1 signs",
        nextRotation: "2026-02-01T00:00:00.000Z",
      },
      certificates: {
        missing: [],
        dates: { end: new Date(now + 9_000_000), renewal: new Date(now + 6_000_000) },
        ...init.certificates,
      },
    },
    rollouts: [
      {
        name: "lab-gateway",
        replicas: facts.bridge.spec.suspend ? 0 : 2,
        state: state === null ? undefined : { ...whole, ...state },
      },
    ],
    reports: [
      {
        instance: "lab-gateway-a",
        state: {
          key_ids: ["k1"],
          last_data_received: isDry ? null : new Date(now).toISOString(),
          clock_skew_seconds: null,
          buffer_bytes_available: isDry ? 0 : 4096,
        },
      },
    ],
    oneWay: {
      saying: { status: "Unknown", reason: "NotRun", message: "none yet" },
      record: undefined,
    },
    waitsFor: init.waitsFor,
    now: init.now ?? now,
  });
}

/** Such as `False NoBytesYet`. */
function said(status: BridgeStatus, type: ConditionType): string {
  const condition = conditionOf(status, type);
  return `${condition?.status ?? ""} ${condition?.reason ?? ""}`;
}

const messageOf = (status: BridgeStatus, type: ConditionType): string =>
  conditionOf(status, type)?.message ?? "";

describe("Ready", () => {
  const required = { oneWayCheck: { enforcement: "Require" } } as const;
  const ended = { dates: { end: new Date(now), renewal: new Date(now) } };
  test.each<[string, Init, string]>([
    ["all is there and bytes have flowed", {}, "True Ready"],
    ["no byte has come", { isDry: true }, "False NoBytesYet"],
    ["it had bytes before", { isDry: true, previous: { hasFlowed: true } }, "True Ready"],
    ["it is suspended", { spec: { suspend: true } }, "False Suspended"],
    ["a certificate has ended", { certificates: ended }, "False Expired"],
    [
      "an issuer has not made one",
      { shown: "cert-manager", certificates: { missing: ["lab-gateway-issued"] } },
      "False NotIssued",
    ],
    [
      "an issuer has not made one that would take the place of the bridge's",
      { certificates: { missing: ["lab-gateway-issued"] } },
      "True Ready",
    ],
    ["a pod is not available", { state: { available: 1 } }, "False PodsNotAvailable"],
    ["a Deployment is not seen yet", { state: null }, "False PodsNotAvailable"],
    [
      "its controller has not seen the newest spec",
      { state: { observed: 2 } },
      "False PodsNotAvailable",
    ],
    ["the flow has to be verified first", { spec: required }, "False WaitingForOneWayCheck"],
    ["the flow was verified", { spec: required, isVerified: true }, "True Ready"],
    [
      "it waits for somebody",
      { waitsFor: new StalledError("MissingGrant", "add a rule") },
      "False MissingGrant",
    ],
  ])("where %s: %s", (_, init, expected) => {
    expect(said(settled(init), "Ready")).toBe(expected);
  });

  test("why pods are not available is said in the controller's words", () => {
    const status = settled({ state: { available: 0, failure: "exceeded quota: pods" } });
    expect(messageOf(status, "Ready")).toBe(
      "Deployment lab-gateway: 0 of 2 pods available: exceeded quota: pods",
    );
  });
});

test.each<[string, Init, string]>([
  ["nothing is under way", {}, "False UpToDate"],
  ["a pod is of the spec before", { state: { updated: 1 } }, "True RollingOut"],
  ["one too many runs", { state: { pods: 3 } }, "True RollingOut"],
  ["its controller has not seen the newest spec", { state: { observed: 2 } }, "True RollingOut"],
  ["pods of a suspended bridge still run", { spec: { suspend: true } }, "True RollingOut"],
  [
    "it waits for somebody",
    { waitsFor: new StalledError("MissingGrant", "add a rule") },
    "False Stalled",
  ],
])("Reconciling where %s: %s", (_, init, expected) => {
  expect(said(settled(init), "Reconciling")).toBe(expected);
});

test("what a topology has no use for is not said to be wrong", () => {
  const direct = settled({ spec: { topology: "Direct" } });
  expect(said(direct, "Ready")).toBe("True Ready");
  const nothing = {
    spec: {
      monitoring: { serviceMonitor: { enabled: false }, prometheusRule: { enabled: false } },
    },
  };
  expect(said(settled(nothing), "Monitored")).toBe("Unknown NotWanted");
});

test("a condition's time moves when its status flips, and with nothing else", () => {
  const first = settled({ isDry: true });
  const same = settled({ isDry: true, previous: first, now: later });
  expect(same).toEqual(first);
  const other = settled({ previous: first, state: { available: 1 }, isDry: true, now: later });
  expect(said(other, "Ready")).toBe("False PodsNotAvailable");
  expect(conditionOf(other, "Ready")?.lastTransitionTime).toBe("2026-01-01T00:00:00Z");
  const ready = settled({ previous: first, now: later });
  expect(conditionOf(ready, "Ready")?.lastTransitionTime).toBe("2026-01-01T00:01:00Z");
  expect(conditionOf(ready, "CertificatesValid")?.lastTransitionTime).toBe("2026-01-01T00:00:00Z");
});

describe("of a bridge that could not be brought into order", () => {
  const before = settled();
  const subject = { status: before, metadata: { generation: 2 } };

  test("what is true of its pods stays said, beside what it waits for", () => {
    const stalled = stalledStatus(subject, new StalledError("NameTaken", "rename it"), later);
    expect(stalled).toMatchObject({
      endpoints: before.endpoints,
      readyReplicas: 2,
      observedGeneration: 2,
    });
    expect(said(stalled, "Stalled")).toBe("True NameTaken");
    expect(said(stalled, "Ready")).toBe("False NameTaken");
    expect(messageOf(stalled, "Ready")).toBe("rename it");
    expect(said(stalled, "Reconciling")).toBe("False Stalled");
    expect(conditionOf(stalled, "EntropyFlowing")).toEqual(conditionOf(before, "EntropyFlowing"));
  });

  test("one that is tried again is in progress, of the spec before, and waits for nobody", () => {
    const retrying = retryingStatus(subject, "patch services: 500", later);
    expect(retrying.observedGeneration).toBe(1);
    expect(said(retrying, "Reconciling")).toBe("True Retrying");
    expect(messageOf(retrying, "Reconciling")).toBe("patch services: 500");
    expect(said(retrying, "Stalled")).toBe("False NotStalled");
    expect(said(retrying, "Ready")).toBe("True Ready");
  });

  test("one that is paused is as it was, and says by what", () => {
    const paused = pausedStatus(subject, "qrngbridge.io/paused", later);
    expect(said(paused, "Reconciling")).toBe("False Paused");
    expect(messageOf(paused, "Reconciling")).toContain("qrngbridge.io/paused");
    expect(said(paused, "Ready")).toBe("True Ready");
  });

  test("of a new one, what nobody knows yet is unknown", () => {
    const fresh = { status: {}, metadata: { generation: 1 } };
    const paused = pausedStatus(fresh, "qrngbridge.io/paused", now);
    expect(said(paused, "EntropyFlowing")).toBe("Unknown NotKnownYet");
  });
});
