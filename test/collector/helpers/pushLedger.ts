import type { KeyObject } from "node:crypto";
import { expect } from "vitest";
import type { CollectorConfig } from "../../../collector/config.ts";
import type { Outcome } from "../../../collector/push/outcome.ts";
import { decodePacket } from "../../../common/packet/msgpack.ts";
import { audienceKey, verifySignature } from "../../../common/packet/signature.ts";
import type { ManualClock } from "../../helpers/manualClock.ts";

export const blockBytes = 8;

/** A few bytes that can be told from all others, and what has become of them. */
interface Block {
  readonly fetchedAt: number;
  readonly sources: number;
  isRevoked: boolean;
  readonly attempts: Attempt[];
}

/** A push that was begun. */
export interface Attempt {
  readonly address: string;
  readonly signature: string;
  readonly signedAt: number;
  readonly body: Buffer;
  readonly blocks: readonly number[];
  /** Undefined as long as it is under way. */
  outcome: Outcome | undefined;
}

export interface LedgerOptions {
  readonly clock: ManualClock;
  readonly push: CollectorConfig["push"];
  readonly port: number;
  readonly maxAge: number;
  readonly secret: KeyObject;
}

const isDelivery = (outcome: Outcome | undefined): boolean =>
  outcome === "taken" || outcome === "seen";

/**
 * The rules of a push as protocol.md has them, from the outside: it sees what is fetched and what
 * each instance gets, block by block, and throws at the first push that must not be.
 */
export class PushLedger {
  readonly attempts: Attempt[] = [];
  readonly #options: LedgerOptions;
  readonly #blocks: Block[] = [];

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** A chunk of new blocks. */
  fetch(count: number, sources: number): Buffer {
    const chunk = Buffer.alloc(count * blockBytes);
    for (let index = 0; index < count; index++) {
      // Not 0: a block that was zeroed must be no block.
      chunk.writeBigUInt64BE(BigInt(this.#blocks.length + 1), index * blockBytes);
      const fetchedAt = this.#options.clock.monotonic();
      this.#blocks.push({ fetchedAt, sources, isRevoked: false, attempts: [] });
    }
    return chunk;
  }

  revoke(mask: number): void {
    for (const block of this.#blocks) {
      if ((block.sources & mask) !== 0) block.isRevoked = true;
    }
  }

  /** Bytes that were delivered, undelivered for want of a settled answer, and so on. */
  bytes(condition: (block: Block) => boolean): number {
    return this.#blocks.filter(condition).length * blockBytes;
  }

  fetchedBytes(): number {
    return this.bytes(() => true);
  }

  deliveredBytes(): number {
    return this.bytes(({ attempts }) => attempts.some(({ outcome }) => isDelivery(outcome)));
  }

  /** Bytes that may have been taken, though nobody said so. */
  unsettledBytes(): number {
    return this.bytes(({ attempts }) => {
      const { signature } = attempts.at(-1) ?? {};
      const ofPacket = attempts.filter((attempt) => attempt.signature === signature);
      const settled = ofPacket.some(({ outcome }) => isDelivery(outcome) || outcome === "full");
      return !settled && ofPacket.some(({ outcome }) => outcome === "unknown");
    });
  }

  expiredBytes(): number {
    const { clock, maxAge } = this.#options;
    return this.bytes(({ fetchedAt }) => clock.monotonic() - fetchedAt >= maxAge);
  }

  /** A push that is about to begin. */
  begin(address: string, body: Buffer): Attempt {
    const { clock, port, push, secret } = this.#options;
    const packet = decodePacket(body);
    const key = push.peer === "v1" ? secret : audienceKey(secret, `${address}:${port}`);
    expect(verifySignature(key, packet, packet.signature), "signed for the instance").toBe(true);
    const signature = Buffer.from(packet.signature).toString("hex");
    const earlier = this.attempts.find((attempt) => attempt.signature === signature);
    if (earlier === undefined) expect(packet.timestamp, "signed now").toBe(clock.wall());
    const attempt: Attempt = {
      address,
      signature,
      signedAt: earlier?.signedAt ?? clock.monotonic(),
      body,
      blocks: numbersOf(packet.data),
      outcome: undefined,
    };
    for (const number of attempt.blocks) this.#check(this.#blocks[number]!, attempt);
    for (const number of attempt.blocks) this.#blocks[number]!.attempts.push(attempt);
    this.attempts.push(attempt);
    return attempt;
  }

  #check(block: Block, next: Attempt): void {
    const { clock, push, maxAge } = this.#options;
    const now = clock.monotonic();
    const last = block.attempts.at(-1);
    expect(block.isRevoked, "no byte of a revoked source is sent").toBe(false);
    const isRepeat = next.signature === last?.signature;
    if (!isRepeat) expect(now - block.fetchedAt, "age when signed").toBeLessThan(maxAge);
    if (last === undefined) return;
    const { outcome } = last;
    expect(outcome, "never with two workers").toBeDefined();
    expect(
      block.attempts.some((attempt) => isDelivery(attempt.outcome)),
      "sent on",
    ).toBe(false);
    const mayBeTaken = block.attempts.some(
      (attempt) => attempt.signature === last.signature && attempt.outcome === "unknown",
    );
    if (isRepeat) {
      expect({ mayBeTaken, outcome, peer: push.peer }, "repeated").toMatchObject({
        mayBeTaken: true,
        peer: "bridge",
      });
      expect(outcome, "repeated").not.toBe("full");
      expect(next.address, "repeated to").toBe(last.address);
      expect(now - last.signedAt, "repeated after").toBeLessThan(push.window);
      return;
    }
    if (outcome === "full") return;
    expect(mayBeTaken, `signed anew after ${outcome}, unsettled`).toBe(false);
    if (outcome === "unreachable") return;
    expect(["refused", "misdirected"], "signed anew after").toContain(outcome);
    const rested = now - last.signedAt;
    expect(rested, "rested").toBeGreaterThanOrEqual(push.window + push.clock_skew);
  }
}

function numbersOf(data: Uint8Array): number[] {
  const view = Buffer.from(data);
  expect(view.length % blockBytes).toBe(0);
  return Array.from(
    { length: view.length / blockBytes },
    (_, index) => Number(view.readBigUInt64BE(index * blockBytes)) - 1,
  );
}
