import { randomBytes } from "node:crypto";
import type { Clock } from "../../../common/clock.ts";
import { parseKeyRing, type KeyRing, type RingKey } from "../../../common/keys/keyRing.ts";
import { decodePacket } from "../../../common/packet/msgpack.ts";
import { signPacket } from "../../../collector/push/packets.ts";
import { Audience } from "../../../common/packet/signature.ts";
import { Receiver, type Judgement } from "../../../gateway/push/receiver.ts";
import { SeenSet } from "../../../gateway/push/seenSet.ts";
import { Window } from "../../../gateway/push/window.ts";
import type { RingContent } from "../../../operator/signing/book.ts";
import { rotate, type Rotation } from "../../../operator/signing/rotate.ts";
import type { KeySource, RotationTiming } from "../../../operator/signing/source.ts";

export const timing: RotationTiming = { propagationSeconds: 120, overlapSeconds: 600 };

interface Version {
  readonly content: Partial<RingContent>;
  /** Seconds of true time. */
  readonly written: number;
}

interface Gateway {
  readonly name: string;
  /** Seconds that its clock is ahead of true time. */
  readonly skew: number;
  /** Whether its management port answers the operator. */
  reachable: boolean;
  /** The version that it has read. */
  version: number;
  receiver: Receiver;
}

/**
 * A bridge in which every part is as late as it likes: gateways (the real receiver) and a collector
 * (the real signing) that read the ring's Secret when the test says, an operator with a clock that
 * steps. Time is true seconds.
 */
export class World {
  source: KeySource = { from: "operator", rotationSeconds: 900, unbound: false };
  revokedKeyIds: string[] = [];
  readonly gateways: Gateway[] = [];
  readonly steps: string[] = [];
  #time = 0;
  #wallOffset = 0;
  #boot = 0;
  #bootedAt = -1000;
  readonly #versions: Version[] = [];
  #collectorVersion = 0;
  #collectorRing: KeyRing | undefined;
  readonly #collectorSkew: number;
  #names = 0;
  #sequence = 0n;

  constructor(collectorSkew = 0) {
    this.#collectorSkew = collectorSkew;
  }

  get time(): number {
    return this.#time;
  }

  get stored(): Partial<RingContent> {
    return this.#versions.at(-1)?.content ?? {};
  }

  /** The signing keys that a collector may have read last: the newest, and those not long gone. */
  keysInUse(): Set<string> {
    const rings = this.#versions.slice(this.#collectorVersion).map(({ content }) => read(content));
    return new Set(rings.flatMap((ring) => (ring === undefined ? [] : [hexOf(ring.signing)])));
  }

  /** All keys that were in the ring within the overlap, which may be more than it can hold. */
  keysLately(): Set<string> {
    const end = this.#time - timing.overlapSeconds;
    const lately = this.#versions.filter(
      (_, n) => (this.#versions[n + 1]?.written ?? Infinity) > end,
    );
    return new Set(lately.flatMap(({ content }) => read(content)?.keys.map(hexOf) ?? []));
  }

  /** A look of the operator; `crash` loses what it decided. */
  operate({ crash = false } = {}): Rotation {
    const rotation = rotate({
      stored: this.stored,
      source: this.source,
      users: {
        collector: "here",
        gateways: this.gateways.map(({ name, reachable, receiver }) => ({
          instance: name,
          keyIds: reachable ? receiver.lastPushes().map(({ keyId }) => keyId) : undefined,
        })),
      },
      timing,
      revokedKeyIds: this.revokedKeyIds,
      now: {
        wall: Date.UTC(2026, 0, 1) + (this.#time + this.#wallOffset) * 1000,
        moment: { boot: `boot-${this.#boot}`, seconds: this.#time - this.#bootedAt },
      },
      random: randomBytes,
    });
    if (!crash) {
      this.steps.push(...rotation.steps.map(({ reason }) => reason));
      this.write(rotation.content);
    }
    return rotation;
  }

  write(content: Partial<RingContent>): void {
    const { stored } = this;
    if (
      stored["ring.json"] === content["ring.json"] &&
      stored["state.json"] === content["state.json"]
    ) {
      return;
    }
    this.#versions.push({ content, written: this.#time });
  }

  /** Lets time pass; a collector that would be later than propagation allows reads in time. */
  pass(seconds: number): void {
    const end = this.#time + seconds;
    for (;;) {
      const replaced = this.#versions[this.#collectorVersion + 1];
      const deadline = (replaced?.written ?? Infinity) + timing.overlapSeconds - 60;
      if (deadline > end) break;
      this.#time = Math.max(this.#time, deadline);
      this.collectorReads(1);
    }
    this.#time = end;
  }

  stepClock(seconds: number): void {
    this.#wallOffset += seconds;
  }

  /** The operator goes on elsewhere, where everything that it counted by is another. */
  moveOperator(): void {
    this.#boot += 1;
    this.#bootedAt = this.#time - (this.#boot % 2 === 0 ? 5 : 100_000);
  }

  /** A gateway may start with what its node had read before, where that still serves. */
  addGateway(skew: number, { late = false } = {}): void {
    const name = `gateway-${(this.#names += 1)}`;
    const newest = this.#versions.length - 1;
    const lately = this.#versions.keys().filter((version) => version > newest - 4);
    const version = (late ? lately.find((version) => this.#isServing(version)) : newest) ?? newest;
    const receiver = this.#start(name, skew, version);
    if (receiver !== undefined) {
      this.gateways.push({ name, skew, reachable: true, version, receiver });
    }
  }

  #isServing(version: number): boolean {
    const ring = read(this.#versions[version]?.content ?? {});
    const accepted = new Set(ring?.keys.map(hexOf));
    return [...this.keysInUse()].every((key) => accepted.has(key));
  }

  restartGateway(gateway: Gateway): void {
    const version = this.#versions.length - 1;
    const receiver = this.#start(gateway.name, gateway.skew, version);
    if (receiver === undefined) return; // does not start with a broken ring, so takes nothing
    gateway.receiver = receiver;
    gateway.version = version;
  }

  #start(audience: string, skew: number, version: number): Receiver | undefined {
    const ring = read(this.#versions[version]?.content ?? {});
    if (ring === undefined) return undefined;
    const clock: Clock = {
      wall: () => nanoseconds(1_767_225_600 + this.#time + skew),
      monotonic: () => this.#time * 1000,
    };
    return new Receiver({
      audience,
      acceptUnbound: false,
      ring,
      window: new Window({ past: 30_000, future: 2_000, clock }),
      seen: new SeenSet(64),
      horizon: { cover: async () => undefined },
      inlet: { hasRoom: () => true, add: async () => undefined },
      limit: undefined,
      isDraining: () => false,
      clock,
    });
  }

  /** Reads the version that is `ahead` versions newer than the last that was read, or the newest. */
  gatewayReads(gateway: Gateway, ahead = Infinity): void {
    const version = Math.min(gateway.version + ahead, this.#versions.length - 1);
    if (version === gateway.version) return;
    gateway.version = version;
    const ring = read(this.#versions[version]!.content);
    if (ring !== undefined) gateway.receiver.trust(ring);
  }

  collectorReads(ahead = Infinity): void {
    this.#collectorVersion = Math.min(this.#collectorVersion + ahead, this.#versions.length - 1);
    this.#collectorRing =
      read(this.#versions[this.#collectorVersion]!.content) ?? this.#collectorRing;
  }

  readAll(): void {
    for (const gateway of this.gateways) this.gatewayReads(gateway);
    this.collectorReads();
  }

  /** What each gateway says to a packet that the collector signs for it now. */
  async push(): Promise<Judgement[]> {
    this.#collectorRing ??= read(this.stored);
    const ring = this.#collectorRing!;
    const timestamp = nanoseconds(1_767_225_600 + this.#time + this.#collectorSkew);
    const judging = this.gateways.map(({ name, receiver }) => {
      const sequence = this.#sequence++;
      const { body } = signPacket(Buffer.alloc(8), new Audience(name), {
        ring,
        sequence,
        timestamp,
      });
      return receiver.receive(decodePacket(body), { audience: name, keyId: ring.signing.id });
    });
    return Promise.all(judging);
  }
}

function read(content: Partial<RingContent>): KeyRing | undefined {
  try {
    return parseKeyRing(content["ring.json"] ?? "");
  } catch {
    return undefined; // programs keep the ring that they have
  }
}

export function hexOf({ secret }: RingKey): string {
  return secret.export().toString("hex");
}

function nanoseconds(seconds: number): bigint {
  return BigInt(seconds) * 1_000_000_000n;
}
