import { createSecretKey } from "node:crypto";
import { expect, test } from "vitest";
import type { Clock } from "../../common/clock.ts";
import { decodeJsonPacket } from "../../common/packet/json.ts";
import { decodePacket, encodePacket } from "../../common/packet/msgpack.ts";
import type { Packet } from "../../common/packet/packet.ts";
import { audienceKey, signatureOf } from "../../common/packet/signature.ts";
import { EntropyBuffer } from "../../gateway/buffer.ts";
import { Receiver, type ReceiverOptions } from "../../gateway/push/receiver.ts";
import { SeenSet, type Fate } from "../../gateway/push/seenSet.ts";
import { Window } from "../../gateway/push/window.ts";
import { encodeJsonPacket } from "../helpers/jsonPacket.ts";
import { seededRandom } from "../helpers/seededRandom.ts";

/**
 * A world of its own: a collector and a gateway with wrong clocks that step, both restart, and an
 * attacker who has kept every packet ever sent and pushes any of them at any time, in either
 * encoding. The real receiver, seen set, window and buffer run in it; only time and the horizon's
 * file are played. A signature may be taken once in all that time, and never after it was refused
 * as full.
 */
const second = 1_000_000_000n;
const audience = "10.0.0.7:7765";
const ringKey = createSecretKey(Buffer.alloc(32, 7));
const boundKey = audienceKey(ringKey, audience);
const ringEntry = { id: "k", use: "bound" as const, notAfter: undefined, secret: ringKey };
const ring = { signing: ringEntry, keys: [ringEntry] };

interface Rules {
  readonly createSeen?: (capacity: number) => ReceiverOptions["seen"];
  /** Whether the horizon outlives the process. */
  readonly keepsHorizon?: boolean;
  readonly createWindow?: (clock: Clock, horizon: bigint) => Window;
}

interface Outcome {
  readonly taken: number;
  /** 1 at the most: the first ends the run. */
  readonly violations: number;
}

async function simulate(events: number, seed: number, rules: Rules): Promise<Outcome> {
  const random = seededRandom(seed);
  const upTo = (limit: number): number => Math.floor(random() * limit);
  const skew = (): bigint => BigInt(upTo(120_001) - 60_000) * 1_000_000n;
  const defaultWindow = (clock: Clock, horizon: bigint): Window =>
    new Window({ past: 30_000, future: 2_000, clock, horizon });
  const {
    createSeen = (size) => new SeenSet(size),
    keepsHorizon = true,
    createWindow = defaultWindow,
  } = rules;

  let elapsed = 0n;
  const epoch = 1_767_225_600n * second;
  let gatewaySkew = skew();
  let collectorSkew = skew();
  const clock: Clock = {
    wall: () => epoch + elapsed + gatewaySkew,
    monotonic: () => Number(elapsed / 1_000_000n),
  };
  let horizonOnDisk = 0n;
  const startGateway = (): { receiver: Receiver; buffer: EntropyBuffer } => {
    const buffer = new EntropyBuffer({ capacity: 2048, maxAge: 60_000, overflow: "Reject", clock });
    const cover = async (stamp: bigint): Promise<void> => {
      if (stamp > horizonOnDisk) horizonOnDisk = stamp + second;
    };
    const receiver = new Receiver({
      audience,
      acceptUnbound: false,
      ring,
      window: createWindow(clock, keepsHorizon ? horizonOnDisk : 0n),
      seen: createSeen(50),
      horizon: { cover },
      inlet: {
        hasRoom: (bytes) => buffer.hasRoom(bytes),
        add: async (data, { age }) => buffer.add(data, age),
      },
      limit: undefined,
      isDraining: () => false,
      clock,
    });
    return { receiver, buffer };
  };
  let sequence = 0n;
  const signNew = (): Buffer => {
    const fields = {
      sequence: sequence++,
      data: Buffer.alloc(16, upTo(256)),
      timestamp: epoch + elapsed + collectorSkew,
    };
    const packet = { ...fields, id: Buffer.alloc(16), signature: signatureOf(boundKey, fields) };
    return encodePacket({ ...packet, checksum: null });
  };

  const sent: Buffer[] = [];
  const fates = new Map<string, "taken" | "full">();
  let gateway = startGateway();
  let taken = 0;
  let violations = 0;
  for (let event = 0; event < events && violations === 0; event++) {
    elapsed += BigInt(upTo(100)) * 1_000_000n;
    const dice = random();
    if (dice < 0.0005) gatewaySkew = skew();
    else if (dice < 0.001) collectorSkew = skew();
    else if (dice < 0.0015) gateway = startGateway();
    else if (dice < 0.002)
      sequence = 0n; // the collector restarts
    else if (dice < 0.1) gateway.buffer.take(512)?.release();
    if (sent.length === 0 || dice > 0.6) sent.push(signNew());
    // Half of the replays are of what was sent lately, where a mistake would be easiest.
    const recent = Math.min(sent.length, 400);
    const index =
      dice > 0.6
        ? sent.length - 1
        : dice > 0.3
          ? sent.length - 1 - upTo(recent)
          : upTo(sent.length);
    const packet: Packet = decodePacket(Buffer.from(sent[index]!));
    const asJson = random() < 0.1;
    const pushed = asJson ? decodeJsonPacket(encodeJsonPacket(packet)) : packet;
    const name = Buffer.from(packet.signature).toString("latin1");
    const judgement = await gateway.receiver.receive(pushed, { audience, keyId: "k" });
    if (judgement === "taken") {
      if (fates.has(name)) violations += 1;
      taken += 1;
    }
    if (judgement === "taken" || judgement === "full") fates.set(name, judgement);
  }
  return { taken, violations };
}

test("no packet is taken twice in a million events of skew, steps, restarts and replays", async () => {
  const { taken, violations } = await simulate(1_000_000, 20_260_101, {});
  expect(violations).toBe(0);
  expect(taken).toBeGreaterThan(10_000); // the world is not one in which nothing is ever taken
}, 240_000);

/** Forgets what came first instead of what was signed first, and leaves the floor where it is. */
class ByArrival {
  readonly #fates = new Map<string, { fate: Fate; stamp: bigint }>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  fateOf(signature: Uint8Array): Fate | undefined {
    return this.#fates.get(Buffer.from(signature).toString("latin1"))?.fate;
  }

  add(signature: Uint8Array, stamp: bigint, fate: Fate): bigint | undefined {
    const [oldest] = this.#fates;
    const evicted = this.#fates.size === this.#capacity ? oldest : undefined;
    if (evicted !== undefined) this.#fates.delete(evicted[0]);
    this.#fates.set(Buffer.from(signature).toString("latin1"), { fate, stamp });
    return undefined;
  }

  forgetUpTo(): void {
    // keeps what the window refuses anyway
  }
}

class WithoutStartFloor extends Window {
  readonly #stamps: { past: bigint; future: bigint };

  constructor(clock: Clock) {
    super({ past: 30_000, future: 2_000, clock });
    this.#stamps = { past: 30n * second, future: 2n * second };
  }

  override floor(): bigint {
    return this.now() - this.#stamps.past;
  }
}

test.each<[string, Rules]>([
  ["eviction by arrival", { createSeen: (capacity) => new ByArrival(capacity) }],
  ["a horizon that dies with the process", { keepsHorizon: false }],
  [
    "no floor at the start",
    { keepsHorizon: false, createWindow: (clock) => new WithoutStartFloor(clock) },
  ],
])("the simulation finds the mistake in a gateway with %s", async (_what, rules) => {
  const { violations } = await simulate(150_000, 7, rules);
  expect(violations).toBeGreaterThan(0);
});
