import assert from "node:assert/strict";
import { blockBytes } from "./blockCipher.ts";
import type { Given } from "./counterAppliance.ts";
import type { Drawn } from "./drawer.ts";
import { heldBytes, type Metrics, totalOf, valueOf } from "./program.ts";
import type { Push } from "./pushProxy.ts";

/** What the test saw of a run, and the counters of the two lives that were alive at its end. */
export interface Evidence {
  readonly given: readonly Given[];
  readonly pushes: readonly Push[];
  readonly drawn: readonly Drawn[];
  readonly collectorLife: number;
  readonly gatewayLife: number;
  readonly collector: Metrics;
  readonly gateway: Metrics;
}

/** Where each block that the appliance gave has gone, in blocks; together they are all. */
export interface Account {
  drawn: number;
  /** Taken, or perhaps taken, by a gateway that was killed. */
  diedWithGateway: number;
  /** Never taken, and fetched by a collector that was killed. */
  diedWithCollector: number;
  /** In the living gateway's counters: expired, discarded, or in its buffer. */
  countedByGateway: number;
  /** In the living collector's counters: lost by reason, or in its buffer. */
  countedByCollector: number;
}

/**
 * The ledger of a run, block by block. It throws unless
 * - no block was drawn twice, none was taken twice, and none was signed anew while a packet with it
 *   may have been taken;
 * - every drawn block is the appliance's and came from a gateway's life that it was pushed to;
 * - every other block is in the counters of a life that is still there, or was in a life that was
 *   killed: in the gateway's when it answered 200 or 409 for it or died before it answered, in the
 *   collector's when no gateway may have taken it;
 * - the living gateway received what it answered 200 for and served what was drawn from it, to the
 *   byte, and the rest is in its other counters;
 * - the living collector fetched what the appliance gave it, to the byte, and its delivered, lost and
 *   held bytes add up to that. What it counts as delivered was taken; what was taken and is not
 *   among the delivered, because no answer reached it, is among the lost (`unknown`) or the held.
 */
export function audit(evidence: Evidence): Account {
  const { given, pushes, drawn, collectorLife, gatewayLife } = evidence;
  const owners = ownersOf(given);
  const fates = fatesOf(pushes, owners);
  const drawnFrom = new Map<number, number>();
  for (const { block, life } of drawn) {
    if (drawnFrom.has(block)) throw new Error(`block ${block} was drawn twice`);
    if (fates.get(block)?.mayBeIn.has(life) !== true) {
      throw new Error(`block ${block} was drawn from life ${life}, which it was not pushed to`);
    }
    drawnFrom.set(block, life);
  }

  const account = {
    drawn: drawnFrom.size,
    diedWithGateway: 0,
    diedWithCollector: 0,
    countedByGateway: 0,
    countedByCollector: 0,
  };
  let takenByLiving = 0;
  let takenOfLiving = 0;
  for (const [block, owner] of owners) {
    const { takenBy, mayBeIn } = fates.get(block) ?? { takenBy: undefined, mayBeIn: new Set() };
    const isDrawn = drawnFrom.has(block);
    if (takenBy === gatewayLife) takenByLiving += 1;
    if (owner === collectorLife && (isDrawn || takenBy !== undefined)) takenOfLiving += 1;
    if (isDrawn) continue;
    if (takenBy === gatewayLife) account.countedByGateway += 1;
    else if (mayBeIn.size > 0 && !mayBeIn.has(gatewayLife)) account.diedWithGateway += 1;
    else if (mayBeIn.size > 0) throw new Error(`block ${block}: nobody knows whether it was taken`);
    else if (owner === collectorLife) account.countedByCollector += 1;
    else account.diedWithCollector += 1;
  }

  checkGateway(evidence, { takenByLiving, countedByGateway: account.countedByGateway });
  const givenToLiving = [...owners.values()].filter((owner) => owner === collectorLife).length;
  checkCollector(evidence, {
    givenToLiving,
    takenOfLiving,
    countedByCollector: account.countedByCollector,
  });
  return account;
}

/** Which life of the collector each block was given to. */
function ownersOf(given: readonly Given[]): Map<number, number> {
  const owners = new Map<number, number>();
  for (const { life, first, count } of given) {
    for (let block = first; block < first + count; block++) owners.set(block, life);
  }
  return owners;
}

interface Fate {
  readonly signature: string;
  /** The gateway's life that answered 200. */
  takenBy: number | undefined;
  /** The lives that have it or may have it. */
  readonly mayBeIn: Set<number>;
}

/** What the pushes say of each block that a gateway may have taken. */
function fatesOf(
  pushes: readonly Push[],
  owners: ReadonlyMap<number, number>,
): ReadonlyMap<number, Fate> {
  const fates = new Map<number, Fate>();
  for (const { status, signature, blocks, collectorLife, gatewayLife } of pushes) {
    for (const block of blocks) {
      if (owners.get(block) !== collectorLife) throw new Error(`block ${block} was never fetched`);
    }
    if (status !== undefined && status !== 200 && status !== 409) continue;
    for (const block of blocks) {
      const fate = fates.get(block) ?? { signature, takenBy: undefined, mayBeIn: new Set() };
      if (fate.signature !== signature) throw new Error(`block ${block} was signed anew too early`);
      if (status === 200) {
        if (fate.takenBy !== undefined) throw new Error(`block ${block} was taken twice`);
        fate.takenBy = gatewayLife;
      }
      fate.mayBeIn.add(gatewayLife);
      fates.set(block, fate);
    }
  }
  return fates;
}

function checkGateway(
  { drawn, gatewayLife, gateway }: Evidence,
  blocks: { takenByLiving: number; countedByGateway: number },
): void {
  const flow = (name: string): number =>
    valueOf(gateway, `qrng_gateway_bytes_total{flow="${name}"}`);
  const left = valueOf(gateway, "qrng_gateway_buffer_bytes");
  const served = drawn.filter(({ life }) => life === gatewayLife).length;
  const notServed = flow("expired") + flow("discarded") + flow("shutdown") + left;
  assert.equal(flow("received"), blocks.takenByLiving * blockBytes, "the gateway's received");
  assert.equal(flow("served"), served * blockBytes, "the gateway's served");
  assert.equal(notServed, blocks.countedByGateway * blockBytes, "the gateway's not served");
}

function checkCollector(
  { collector }: Evidence,
  blocks: { givenToLiving: number; takenOfLiving: number; countedByCollector: number },
): void {
  const fetched = valueOf(collector, 'qrng_source_fetched_bytes_total{source="counters"}');
  const delivered = valueOf(collector, "qrng_collector_delivered_bytes_total");
  const held = heldBytes(collector);
  const unknown = valueOf(collector, 'qrng_collector_lost_bytes_total{reason="unknown"}');
  const discarded = (reason: string): number =>
    valueOf(collector, `qrng_source_discarded_bytes_total{source="counters",reason="${reason}"}`);
  assert.equal(discarded("alarm"), 0, "encrypted counters pass every test");
  // In the mix bytes may grow too old while the buffer is full.
  const lost = totalOf(collector, "qrng_collector_lost_bytes_total") + discarded("expired");
  assert.equal(fetched, blocks.givenToLiving * blockBytes, "the collector's fetched");
  assert.equal(delivered + lost + held, fetched, "the collector's delivered, lost and held");
  assert.ok(blocks.countedByCollector * blockBytes <= lost + held, "blocks that were not taken");
  const untold = blocks.takenOfLiving * blockBytes - delivered;
  assert.ok(untold >= 0 && untold <= unknown + held, "blocks that were taken, less the delivered");
}
