import { isIPv6 } from "node:net";
import type { NetworkPolicy } from "kubernetes-types/networking/v1.js";
import { BridgeError } from "../../common/errors.ts";
import type { Logger } from "../../common/log/logger.ts";
import { stalledBy } from "../reconcile/trouble.ts";
import type { CheckFacts, Site } from "./pods.ts";
import { type CheckResult, plainText } from "./result.ts";
import { checkSite } from "./site.ts";
import type { SiteDeps } from "./sitePods.ts";
import { judge } from "./verdict.ts";

/** A check of one bridge as it is. */
export interface CheckRequest {
  /** `namespace/name` */
  readonly key: string;
  readonly facts: CheckFacts;
  /** The bridge's own. */
  readonly policies: readonly NetworkPolicy[];
  readonly policiesHash: string;
  readonly sites: readonly Site[];
  readonly nodesHash: string;
}

export interface RunDeps extends SiteDeps {
  readonly log: Logger;
  /** A name for the pods of one site: 8 hexadecimal digits, another each time. */
  readonly nextRun: () => string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Nodes that are checked at the same time. */
const width = 4;

/** Checks a bridge on all its nodes. Never throws: what fails proves nothing. */
export async function runCheck(
  deps: RunDeps,
  request: CheckRequest,
  signal: AbortSignal,
): Promise<CheckResult> {
  const { facts, policiesHash, nodesHash } = request;
  const base = { uid: facts.bridge.metadata.uid, policiesHash, nodesHash };
  try {
    const sites = await checkSites(deps, request, signal);
    const addresses = sites.flatMap(({ addresses }) => addresses);
    const verdict = judge(sites);
    return {
      ...base,
      at: deps.now(),
      message: "",
      ...verdict,
      families: [
        ...(addresses.some((address) => !isIPv6(address)) ? (["IPv4"] as const) : []),
        ...(addresses.some(isIPv6) ? (["IPv6"] as const) : []),
      ],
      nodes: new Set(sites.map(({ node }) => node)).size,
    };
  } catch (error) {
    const refused = stalledBy(error);
    const outcome = refused === undefined ? "NotProven" : "Refused";
    const said = refused ?? error;
    if (!(said instanceof BridgeError)) {
      deps.log.error({ object: request.key, error }, "one-way check failed");
    }
    const message = said instanceof BridgeError ? said.message : "see the operator's log";
    const about = { outcome, message: plainText(message), families: [], nodes: 0 } as const;
    return { ...base, at: deps.now(), ...about };
  }
}

type Checked = Awaited<ReturnType<typeof checkSite>>;

async function checkSites(
  deps: RunDeps,
  { facts, policies, sites }: CheckRequest,
  signal: AbortSignal,
): Promise<Checked[]> {
  const left = [...sites];
  const work = async (): Promise<Checked[]> => {
    const done: Checked[] = [];
    for (let site = left.shift(); site !== undefined; site = left.shift()) {
      const run = deps.nextRun();
      done.push(await checkSite(deps, { run, facts, policies, site }, signal));
    }
    return done;
  };
  return (await Promise.all(Array.from({ length: width }, work))).flat();
}
