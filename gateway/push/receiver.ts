import type { KeyObject } from "node:crypto";
import { type Clock, nanosecondsToMilliseconds } from "../../common/clock.ts";
import type { KeyRing, RingKey } from "../../common/keys/keyRing.ts";
import { free } from "../../common/memory.ts";
import type { Packet } from "../../common/packet/packet.ts";
import { Audience, verifySignature } from "../../common/packet/signature.ts";
import type { Inlet } from "../inlet.ts";
import type { TokenBucket } from "../limit/tokenBucket.ts";
import { ClockSkew } from "./clockSkew.ts";
import type { Horizon } from "./horizon.ts";
import type { SeenSet } from "./seenSet.ts";
import type { Window } from "./window.ts";

/** What a sender says beside the packet; believed only once the signature proves it. */
export interface Claims {
  /** The instance that the packet is signed for; undefined for v1 senders. */
  readonly audience: string | undefined;
  /** Which ring key to try first. */
  readonly keyId: string | undefined;
}

/** How a well-formed packet is judged. */
export type Judgement =
  | "taken"
  /** Taken before, from a sender that would put the bytes back on anything but 200. */
  | "known"
  | "seen"
  | "audience"
  | "signature"
  | "stale"
  | "full"
  | "limited"
  | "draining";

export interface ReceiverOptions {
  /** This instance's own `address:port`, never taken from a request. */
  readonly audience: string;
  readonly acceptUnbound: boolean;
  /** The first ring; `trust` brings the next. */
  readonly ring: KeyRing;
  readonly window: Window;
  readonly seen: Pick<SeenSet, "fateOf" | "add" | "forgetUpTo">;
  readonly horizon: Pick<Horizon, "cover">;
  readonly inlet: Pick<Inlet, "hasRoom" | "add">;
  /** Bytes; none when undefined. */
  readonly limit: TokenBucket | undefined;
  readonly isDraining: () => boolean;
  readonly clock: Clock;
}

interface TrustedKey {
  readonly key: RingKey;
  /** Only what was signed later; nanoseconds. */
  readonly since: bigint;
  /** Shared with the same key in the next ring. */
  readonly history: KeyHistory;
}

interface KeyHistory {
  /** The packet that was taken last; its time is monotonic milliseconds. */
  last: { readonly sequence: bigint; readonly at: number } | undefined;
}

/** What tells collectors apart that sign with keys of their own: nothing else is both sure and bounded. */
export interface LastPush {
  readonly keyId: string;
  /** Monotonic milliseconds; undefined when no packet under it was taken. */
  readonly at: number | undefined;
}

/** Earlier than any signing time: the window's floor covers the keys of the start. */
const always = -(2n ** 63n) - 1n;

/** Steps 2 to 7 of a push, in their order; step 1 has made the packet out of a request. */
export class Receiver {
  readonly #options: ReceiverOptions;
  readonly #audience: Audience;
  #trusted: readonly TrustedKey[] = [];
  readonly #skew = new ClockSkew();
  #gaps = 0;

  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.#audience = new Audience(options.audience);
    this.#trusted = options.ring.keys.map((key) => ({
      key,
      since: always,
      history: { last: undefined },
    }));
  }

  /**
   * Verifies with another ring from now on. A key that comes new does not make good what was
   * refused for want of it: its sender signs those bytes anew after a while.
   */
  trust(ring: KeyRing): void {
    const since = this.#options.window.latest();
    const before = this.#trusted;
    this.#trusted = ring.keys.map((key) => {
      const known = before.find(
        ({ key: { use, secret } }) => use === key.use && secret.equals(key.secret),
      );
      return {
        key,
        since: known?.since ?? since,
        history: known?.history ?? { last: undefined },
      };
    });
  }

  /** When a packet was last taken, by the key that it was signed with: a line for each of the ring. */
  lastPushes(): LastPush[] {
    return this.#trusted.map(({ key, history }) => ({ keyId: key.id, at: history.last?.at }));
  }

  /** How often a taken packet's sequence was not the one after the last under the same key. */
  sequenceGaps(): number {
    return this.#gaps;
  }

  /**
   * How many seconds a collector's clock is ahead while its packets are refused for that, below 0
   * when it is behind; undefined since one was taken.
   */
  clockSkew(): number | undefined {
    return this.#skew.seconds(this.#options.clock.monotonic());
  }

  /**
   * Owns the packet's data from now on: it is in the buffer, or zeroed.
   * @param memory all of the memory that the data is in, where no other data is: it is given back
   * @throws when the horizon cannot be written; the packet is not taken then
   */
  async receive(packet: Packet, claims: Claims, memory?: Buffer): Promise<Judgement> {
    let judgement: Judgement | undefined;
    try {
      judgement = await this.#judge(packet, claims, memory);
      return judgement;
    } finally {
      if (judgement !== "taken") free(memory ?? packet.data);
    }
  }

  async #judge(packet: Packet, claims: Claims, memory?: Buffer): Promise<Judgement> {
    const signer = this.#authenticate(packet, claims);
    if (typeof signer === "string") return signer;
    if (this.#isWithinReach(packet.timestamp)) await this.#cover(packet);
    const judgement = this.#admit(packet, claims);
    if (judgement === "taken") {
      this.#note(packet, signer);
      await this.#takeIn(packet, memory); // begins at once: nothing has taken the room meanwhile
    }
    if (judgement === "stale") this.#noteStale(packet);
    return judgement;
  }

  /** Audience, then signature. @returns the key that made it, or what is wrong */
  #authenticate(packet: Packet, { audience, keyId }: Claims): TrustedKey | Judgement {
    const { acceptUnbound } = this.#options;
    const isForUs = audience === undefined ? acceptUnbound : audience === this.#audience.name;
    if (!isForUs) return "audience";
    const use = audience === undefined ? "unbound" : "bound";
    const now = this.#options.clock.wall();
    const keys = this.#trusted
      .filter(({ key }) => key.use === use && (key.notAfter === undefined || now < key.notAfter))
      .filter(({ since }) => packet.timestamp > since)
      .sort((a, b) => Number(b.key.id === keyId) - Number(a.key.id === keyId));
    const signer = keys.find(({ key }) =>
      verifySignature(this.#keyOf(key), packet, packet.signature),
    );
    return signer ?? "signature";
  }

  #isWithinReach(timestamp: bigint): boolean {
    const { window } = this.#options;
    return window.isFresh(timestamp) || window.isSoonFresh(timestamp);
  }

  async #cover(packet: Packet): Promise<void> {
    try {
      await this.#options.horizon.cover(packet.timestamp);
    } catch (error) {
      if (this.#options.seen.fateOf(packet.signature) === undefined) this.#remember(packet, "full");
      throw error;
    }
  }

  /**
   * Window, seen set, room, limits; without a pause, so that no other packet comes between. Whatever
   * is refused here although it could still become fresh is remembered as never to be taken: its
   * sender signs the bytes anew after a while, and whoever captured it could push it before that.
   */
  #admit(packet: Packet, { audience }: Claims): Judgement {
    const { window, seen } = this.#options;
    const { timestamp, signature } = packet;
    if (!this.#isWithinReach(timestamp)) return "stale";
    seen.forgetUpTo(window.floor());
    const fate = seen.fateOf(signature);
    if (fate === "taken") return audience === undefined ? "known" : "seen";
    if (fate === "full") return window.isFresh(timestamp) ? "full" : "stale";
    const refusal = this.#refusalOf(packet);
    if (refusal !== undefined) {
      this.#remember(packet, "full");
      return refusal;
    }
    this.#remember(packet, "taken");
    return "taken";
  }

  async #takeIn({ data, timestamp }: Packet, memory?: Buffer): Promise<void> {
    const { inlet, window } = this.#options;
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const age = nanosecondsToMilliseconds(window.now() - timestamp);
    await inlet.add(bytes, { age, memory });
  }

  #refusalOf({ timestamp, data }: Packet): Judgement | undefined {
    const { window, inlet, limit, isDraining, clock } = this.#options;
    if (!window.isFresh(timestamp)) return "stale";
    if (!inlet.hasRoom(data.length)) return "full";
    if (limit !== undefined && limit.take(data.length, clock.monotonic()) > 0) return "limited";
    return isDraining() ? "draining" : undefined;
  }

  #remember({ signature, timestamp }: Packet, fate: "taken" | "full"): void {
    const evicted = this.#options.seen.add(signature, timestamp, fate);
    if (evicted !== undefined) this.#options.window.raise(evicted);
  }

  /** Of a packet that was taken. */
  #note({ sequence }: Packet, { history }: TrustedKey): void {
    if (history.last !== undefined && sequence !== history.last.sequence + 1n) this.#gaps += 1;
    history.last = { sequence, at: this.#options.clock.monotonic() };
    this.#skew.taken();
  }

  /** Of a packet whose signature is right. */
  #noteStale({ timestamp: stamp }: Packet): void {
    const { window, clock } = this.#options;
    const skew = window.skewOf(stamp);
    if (skew !== undefined) this.#skew.refused({ stamp, skew, at: clock.monotonic() });
  }

  #keyOf({ use, secret }: RingKey): KeyObject {
    return use === "unbound" ? secret : this.#audience.key(secret);
  }
}
