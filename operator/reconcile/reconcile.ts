import type { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { BridgeError } from "../../common/errors.ts";
import type { Logger } from "../../common/log/logger.ts";
import type { ApiClient } from "../api/client.ts";
import { hasCode, type ApiError } from "../api/errors.ts";
import type { ApiObject } from "../api/object.ts";
import { group, storedBridge, type StoredBridge } from "../bridge/schema.ts";
import type { BridgeStatus } from "../bridge/status.ts";
import { buildAll } from "../build/buildAll.ts";
import type { Facts, OfferedKinds } from "../build/facts.ts";
import type { OwnedObject } from "../build/metadata.ts";
import type { OperatorSettings } from "../build/settings.ts";
import type { Again } from "../engine/workQueue.ts";
import type { GatewayReport } from "../gateways/reports.ts";
import type { Now } from "../moment.ts";
import type { OneWayChecks } from "../oneWay/checks.ts";
import { considerOneWay, type Considered } from "../oneWay/consider.ts";
import { applyAll, type Applied } from "./apply.ts";
import type { BridgeStore } from "./bridgeStore.ts";
import type { DeploymentState } from "./deploymentState.ts";
import { type Announce, announceDone, announceStall, announceStatus } from "./announce.ts";
import { adoptIssued } from "./issued.ts";
import type { OwnedStore } from "./ownedStore.ts";
import { prune } from "./prune.ts";
import { decideSecrets, type SecretDecision } from "./secrets.ts";
import { readStored, type Stored } from "./stored.ts";
import {
  pausedStatus,
  retryingStatus,
  type Rollout,
  settledStatus,
  stalledStatus,
} from "./status.ts";
import { describeGrant, stalledBy, StalledError } from "./trouble.ts";

export interface ReconcileDeps {
  readonly client: ApiClient;
  readonly bridges: BridgeStore;
  readonly owned: OwnedStore;
  /** @param key `namespace/name` */
  readonly deployment: (key: string) => DeploymentState | undefined;
  readonly askGateways: (bridge: string, signal: AbortSignal) => Promise<readonly GatewayReport[]>;
  readonly oneWay: Pick<OneWayChecks, "want" | "latest" | "nodes" | "clear" | "forget">;
  readonly offered: () => OfferedKinds;
  /** A watch that the operator may not have, so that it does not know what is in the namespace. */
  readonly missingWatch: (namespace: string) => ApiError | undefined;
  readonly settings: OperatorSettings;
  readonly announce: Announce;
  readonly now: () => Now;
  readonly random: typeof randomBytes;
  readonly log: Logger;
}

const pausedAnnotation = `${group}/paused`;
/** Seconds to the next look while a watch is missing. */
const watchAgain = 10;

/**
 * Brings all that belongs to a bridge into order: gather → build → apply → prune → status.
 * @param key `namespace/name`
 * @returns when to look again without being told
 * @throws what may work the next time
 */
export async function reconcile(
  deps: ReconcileDeps,
  key: string,
  signal: AbortSignal,
): Promise<Again> {
  const object = deps.bridges.get(key);
  if (object === undefined) {
    deps.owned.forget(key);
    deps.oneWay.forget(key);
    return undefined; // the garbage collector deletes what it owned
  }
  if (object.metadata.deletionTimestamp !== undefined) {
    deps.oneWay.forget(key);
    return undefined;
  }
  const subject = deps.bridges.subject(object);
  const now = deps.now().wall;
  try {
    if (object.metadata.annotations?.[pausedAnnotation] !== undefined) {
      await writeStatus(deps, object, pausedStatus(subject, pausedAnnotation, now), signal);
      return undefined;
    }
    const settled = await settle(deps, parseBridge(object, subject.status), signal);
    await writeStatus(deps, object, settled.status, signal);
    return { after: settled.lookAgain * 1_000 };
  } catch (error) {
    const stalled = stalledBy(error);
    if (stalled !== undefined) {
      await writeStatus(deps, object, stalledStatus(subject, stalled, now), signal).catch(
        (failure: unknown) => {
          // Where the status cannot say so, an event does.
          const reason = stalledBy(failure);
          if (reason !== undefined) announceStall(deps.announce, object, reason);
          throw failure;
        },
      );
      const { lookAgain } = stalled;
      return lookAgain === undefined ? undefined : { after: lookAgain * 1_000 };
    }
    // What was overtaken is only done again; of the rest users want to know.
    if (error instanceof BridgeError && !isOvertaken(error) && !signal.aborted) {
      const status = retryingStatus(subject, error.message, now);
      await writeStatus(deps, object, status, signal).catch((failure: unknown) =>
        deps.log.debug({ object: key, error: failure }, "status not written"),
      );
    }
    throw error;
  }
}

function isOvertaken(error: BridgeError): boolean {
  return hasCode(error, "ERR_API_CONFLICT", "ERR_API_EXISTS", "ERR_API_FENCED", "ERR_API_ABORTED");
}

/** @throws StalledError for one that an older or newer resource definition has let in */
function parseBridge(object: ApiObject, status: BridgeStatus): StoredBridge {
  const parsed = storedBridge.safeParse({ ...object, status });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join(".") ?? "";
  throw new StalledError("InvalidSpec", `${field}: ${issue?.message ?? "is not valid"}`);
}

interface Settled {
  readonly status: BridgeStatus;
  /** Seconds. */
  readonly lookAgain: number;
}

async function settle(
  deps: ReconcileDeps,
  bridge: StoredBridge,
  signal: AbortSignal,
): Promise<Settled> {
  const { client, owned, announce } = deps;
  const { facts, decision, reports, stored, oneWay } = await gather(deps, bridge, signal);
  const objects = build(facts);
  const scope = { client, owned, bridge, objects, signal };
  const keyOfBridge = `${bridge.metadata.namespace}/${bridge.metadata.name}`;
  const isLost = owned.lostOf(keyOfBridge);
  const applied: Applied[] = [];
  let steps: SecretDecision["steps"] = [];
  try {
    await applyAll({ ...scope, stored: stored.objects }, (done) => applied.push(done));
    ({ steps } = decision);
  } finally {
    // What was put back is so, whatever failed after it; the next round finds it in order.
    announceDone(announce, bridge, { objects, applied, isLost, steps });
  }
  await adoptIssued(scope);
  await prune(scope);
  if (stored.missing !== undefined) throw stored.missing;
  const waitsFor = await clearChecks(deps, keyOfBridge);
  // Else the pods of another check would stay as well.
  if (waitsFor === undefined && oneWay.request !== undefined) deps.oneWay.want(oneWay.request);
  const rollouts = objects.flatMap((object) => rolloutOf(deps, object));
  const now = deps.now().wall;
  const times = [decision.lookAgain, oneWay.lookAgain, waitsFor?.lookAgain];
  return {
    status: settledStatus({ facts, decision, rollouts, reports, oneWay, waitsFor, now }),
    lookAgain: Math.min(...times.map((time) => time ?? Infinity)),
  };
}

/** @returns what stands in the way; what the last check came to is told all the same */
async function clearChecks(
  { oneWay }: ReconcileDeps,
  key: string,
): Promise<StalledError | undefined> {
  try {
    await oneWay.clear(key);
    return undefined;
  } catch (error) {
    const stalled = stalledBy(error);
    if (stalled === undefined) throw error;
    return stalled;
  }
}

interface Gathered {
  readonly facts: Facts;
  readonly decision: SecretDecision;
  readonly reports: readonly GatewayReport[];
  readonly stored: Stored;
  readonly oneWay: Considered;
}

async function gather(
  deps: ReconcileDeps,
  bridge: StoredBridge,
  signal: AbortSignal,
): Promise<Gathered> {
  const { client, owned, settings, random } = deps;
  const { name, namespace } = bridge.metadata;
  const watch = deps.missingWatch(namespace);
  if (watch?.call !== undefined) {
    throw new StalledError("MissingGrant", describeGrant(watch.call), watchAgain);
  }
  const [stored, reports] = await Promise.all([
    readStored(client, owned, bridge, signal),
    deps.askGateways(`${namespace}/${name}`, signal),
  ]);
  const now = deps.now();
  const decision = await decideSecrets({
    bridge,
    settings,
    stored,
    gateways: reports,
    now,
    random,
  });
  const { secrets, trust, shown } = decision;
  const offered = deps.offered();
  const oneWay = considerOneWay(deps.oneWay, { bridge, settings }, now.wall);
  const { isVerified } = oneWay;
  const facts = { bridge, settings, secrets, trust, shown, offered, isVerified };
  return { facts, decision, reports, stored, oneWay };
}

const reasons = {
  ERR_EGRESS_UNKNOWN: "EgressUnknown",
  ERR_CERT_MANAGER_MISSING: "CertManagerMissing",
} as const;

/** @throws StalledError with all that stands in the way */
function build(facts: Facts): readonly OwnedObject[] {
  const built = buildAll(facts);
  if ("objects" in built) return built.objects;
  const { problems } = built;
  const text = problems.map(({ message }) => message).join("; ");
  throw new StalledError(reasons[problems[0].code], text);
}

function rolloutOf(deps: ReconcileDeps, { kind, metadata, ...rest }: OwnedObject): Rollout[] {
  if (kind !== "Deployment" || !("spec" in rest)) return [];
  const { name, namespace } = metadata;
  const { replicas } = rest.spec as { replicas: number };
  return [{ name, replicas, state: deps.deployment(`${namespace}/${name}`) }];
}

/** The one place that writes status, and only when it changes. */
async function writeStatus(
  { client, bridges, announce }: ReconcileDeps,
  object: ApiObject,
  status: BridgeStatus,
  signal: AbortSignal,
): Promise<void> {
  const { status: before } = bridges.subject(object);
  if (isDeepStrictEqual(before, status)) return;
  await bridges.writeStatus(client, object, status, signal);
  announceStatus(announce, object, before, status);
}
