import fc from "fast-check";
import { expect, test } from "vitest";
import type { ApiObject } from "../../../operator/api/object.ts";
import {
  heldBy,
  mayTake,
  microTime,
  observe,
  released,
  type LeaseSpec,
} from "../../../operator/engine/lease.ts";

const wall = BigInt(Date.UTC(2026, 0, 2, 3, 4, 5)) * 1_000_000n + 6_007_008n;

function lease(resourceVersion: string, spec: unknown): ApiObject {
  return { metadata: { name: "l", namespace: "n", uid: "u", resourceVersion }, spec };
}

test("times have six decimals, as MicroTime's parser wants them", () => {
  expect(microTime(wall)).toBe("2026-01-02T03:04:05.006007Z");
  expect(microTime(wall - 6_007_008n)).toBe("2026-01-02T03:04:05.000000Z");
});

test("a lease is taken when nobody holds it, or when its holder was silent for its duration", () => {
  const held = lease("1", { holderIdentity: "other", leaseDurationSeconds: 15 });
  const seen = observe(undefined, held, 1_000);
  expect(mayTake(seen, "me", 16_000, 15)).toBe(false);
  expect(mayTake(seen, "me", 16_001, 15)).toBe(true);
  expect(mayTake(seen, "other", 1_000, 15)).toBe(true);
  for (const spec of [undefined, {}, { holderIdentity: "" }, { holderIdentity: null }]) {
    expect(mayTake(observe(undefined, lease("1", spec), 0), "me", 0, 15)).toBe(true);
  }
});

test("a lease that names no duration has ours; one that is no lease is nobody's", () => {
  const seen = observe(undefined, lease("1", { holderIdentity: "other" }), 0);
  expect(mayTake(seen, "me", 15_000, 15)).toBe(false);
  expect(mayTake(seen, "me", 15_001, 15)).toBe(true);
  const broken = lease("1", { holderIdentity: "other", leaseDurationSeconds: "long" });
  expect(mayTake(observe(undefined, broken, 0), "me", 0, 15)).toBe(true);
});

test("only a change that is seen counts, whatever the lease's own times say", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ renews: fc.boolean(), after: fc.integer({ min: 1, max: 14_000 }) })),
      fc.date({ noInvalidDate: true }),
      (rounds, date) => {
        let now = 0;
        let version = 1;
        let renewedAt = 0;
        const spec = {
          holderIdentity: "other",
          leaseDurationSeconds: 15,
          renewTime: date.toISOString(),
        };
        let seen = observe(undefined, lease("1", spec), now);
        for (const { renews, after } of rounds) {
          now += after;
          if (renews) {
            version++;
            renewedAt = now;
          }
          seen = observe(seen, lease(String(version), spec), now);
          expect(mayTake(seen, "me", now, 15)).toBe(now - renewedAt > 15_000);
        }
      },
    ),
  );
});

test("a holder counts transitions, and keeps the time at which it became one", () => {
  const before: LeaseSpec = { holderIdentity: "other", leaseTransitions: 4, acquireTime: "then" };
  const taken = heldBy("me", before, wall, 15);
  expect(taken).toEqual({
    holderIdentity: "me",
    leaseDurationSeconds: 15,
    acquireTime: microTime(wall),
    renewTime: microTime(wall),
    leaseTransitions: 5,
  });
  const later = heldBy("me", taken, wall + 2_000_000_000n, 15);
  expect(later).toEqual({ ...taken, renewTime: microTime(wall + 2_000_000_000n) });
  expect(released(later, wall)).toMatchObject({ holderIdentity: "", leaseTransitions: 5 });
});
