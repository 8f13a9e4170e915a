import { setTimeout as delay } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Accumulator } from "../../collector/accumulator.ts";
import { outcomes, type Outcome } from "../../collector/push/outcome.ts";
import { startPusher } from "../../collector/push/pusher.ts";
import { fixed } from "../../common/reload.ts";
import { captureLog } from "../helpers/capturedLog.ts";
import { ManualClock } from "../helpers/manualClock.ts";
import { blockBytes, PushLedger, type Attempt } from "./helpers/pushLedger.ts";
import { makeKey, packetBytes, ringOf, usualPush } from "./helpers/pushing.ts";

// The outcome rules as a state machine: the real pusher and accumulator, any sequence of outcomes,
// time, instances that come and go, alarms, and the end. The rules stand in helpers/pushLedger.ts.

const capacity = 10 * packetBytes;
const maxAge = 200_000;
const port = 7765;
const addresses = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];

const anyOutcome = fc.constantFrom(...outcomes);
const anyAction = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("fetch" as const),
      blocks: fc.integer({ min: 1, max: 12 }),
      sources: fc.constantFrom(0b01, 0b10, 0b11),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant("answer" as const),
      which: fc.nat(10),
      outcome: anyOutcome,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("wait" as const),
      milliseconds: fc.constantFrom(1, 249, 1_000, 9_999, 29_999, 30_000, 90_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("instances" as const),
      present: fc.subarray(addresses),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("revoke" as const),
      mask: fc.constantFrom(0b01, 0b10, 0b11),
    }),
  },
);
type Action = typeof anyAction extends fc.Arbitrary<infer T> ? T : never;

interface UnderWay {
  readonly attempt: Attempt;
  readonly answer: (outcome: Outcome) => void;
}

/** Lets the pauses of `random() = 0` end, and everything that follows from them. */
async function settle(): Promise<void> {
  await delay(1);
  await delay(1);
}

function startWorld(peer: "bridge" | "v1") {
  const clock = new ManualClock();
  const key = makeKey("only");
  const push = { ...usualPush, peer, packet_age: 250, resolve_interval: 1 };
  const accumulator = new Accumulator({
    capacity,
    packetBytes,
    packetAge: push.packet_age,
    maxAge,
    clock,
  });
  const ledger = new PushLedger({ clock, push, port, maxAge, secret: key.secret });
  const underWay: UnderWay[] = [];
  const problems: unknown[] = [];
  const world = { present: [...addresses] };
  const pusher = startPusher({
    urls: [new URL(`http://gateway:${port}/push`)],
    push,
    accumulator,
    ring: fixed(ringOf(key)),
    connect: (_url, address) => ({
      push: (body, _headers, signal) => {
        const { promise, resolve } = Promise.withResolvers<Outcome>();
        try {
          const attempt = ledger.begin(address, body);
          const answer = (outcome: Outcome): void => {
            if (attempt.outcome !== undefined) return;
            attempt.outcome = outcome;
            underWay.splice(underWay.indexOf(entry), 1);
            resolve(outcome);
          };
          const entry = { attempt, answer };
          underWay.push(entry);
          signal.addEventListener("abort", () => answer("unknown"), { once: true });
          if (signal.aborted) answer("unreachable");
        } catch (problem) {
          problems.push(problem);
          resolve("unknown");
        }
        return promise;
      },
      untilMayConnect: async () => undefined,
      close: () => undefined,
    }),
    resolve: async () => world.present,
    clock,
    random: () => 0,
    log: captureLog().log,
  });
  const parts = { clock, accumulator, ledger, underWay, problems, world, pusher };
  return { ...parts, [Symbol.asyncDispose]: () => pusher.stop() };
}

test("no sequence of outcomes, times, instances and alarms breaks a rule of the protocol", async () => {
  const seen = { repeats: 0, anew: 0, revoked: 0, unknown: 0, expired: 0, shutdown: 0 };
  const run = async (
    actions: readonly Action[],
    { peer, last }: { peer: "bridge" | "v1"; last: Outcome },
  ): Promise<void> => {
    await using started = startWorld(peer);
    const { clock, accumulator, ledger, underWay, problems, world, pusher } = started;
    const { lost } = accumulator;
    const chunks: Buffer[] = [];
    let alarms = 0;
    const check = (): void => {
      if (problems.length > 0) throw problems[0];
      const delivered = ledger.deliveredBytes();
      expect(pusher.deliveredBytes()).toBe(delivered);
      expect(delivered + lost.total() + accumulator.heldBytes()).toBe(ledger.fetchedBytes());
      expect(lost.get("unknown")).toBeLessThanOrEqual(ledger.unsettledBytes());
      expect(lost.get("expired")).toBeLessThanOrEqual(ledger.expiredBytes());
    };
    await settle();
    for (const action of actions) {
      switch (action.kind) {
        case "fetch":
          if (accumulator.heldBytes() + action.blocks * blockBytes > capacity) break;
          chunks.push(ledger.fetch(action.blocks, action.sources));
          accumulator.add(chunks.at(-1)!, clock.monotonic(), action.sources);
          break;
        case "answer":
          underWay[action.which % underWay.length]?.answer(action.outcome);
          break;
        case "wait":
          clock.advance(action.milliseconds);
          accumulator.filled.notify(); // real timers would end now
          break;
        case "instances":
          world.present = action.present;
          break;
        case "revoke":
          alarms += 1;
          ledger.revoke(action.mask);
          accumulator.revoke(action.mask);
      }
      await settle();
      check();
    }
    expect(lost.get("shutdown")).toBe(0);
    if (alarms === 0) expect(lost.get("alarm")).toBe(0);

    // As the collector ends.
    accumulator.flush();
    await settle();
    while (underWay.length > 0) underWay[0]!.answer(last);
    await settle();
    await pusher.stop();
    accumulator.close();
    check();
    expect(accumulator.heldBytes()).toBe(0);
    expect(chunks.every((chunk) => chunk.every((byte) => byte === 0))).toBe(true);
    expect(ledger.attempts.every(({ body }) => body.every((byte) => byte === 0))).toBe(true);

    const signatures = new Set(ledger.attempts.map(({ signature }) => signature));
    const blocks = new Set(ledger.attempts.map(({ blocks: [first] }) => first));
    seen.repeats += ledger.attempts.length - signatures.size;
    seen.anew += signatures.size - blocks.size;
    seen.revoked += lost.get("alarm");
    seen.unknown += lost.get("unknown");
    seen.expired += lost.get("expired");
    seen.shutdown += lost.get("shutdown");
  };
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyAction, { minLength: 1, maxLength: 60, size: "max" }),
      fc.record({
        peer: fc.oneof(
          { weight: 4, arbitrary: fc.constant("bridge" as const) },
          { weight: 1, arbitrary: fc.constant("v1" as const) },
        ),
        last: anyOutcome,
      }),
      run,
    ),
    { numRuns: 120 },
  );
  // All of it has happened.
  expect(
    Object.values(seen).every((count) => count > 0),
    JSON.stringify(seen),
  ).toBe(true);
});
