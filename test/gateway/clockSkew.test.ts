import { expect, test } from "vitest";
import { ManualClock } from "../helpers/manualClock.ts";
import { makePacket, metric, push, startTestGateway, withKey } from "./helpers/gateway.ts";

const second = 1_000_000_000n;
const strangersKey = "99".repeat(32);

async function startSkewed() {
  const clock = new ManualClock(Date.UTC(2026, 0, 1));
  const gateway = await startTestGateway({ push: { window: { future: 0 } } }, { clock });
  const { audience } = gateway;
  const packetAhead = (seconds: number, keyHex?: string) => {
    const timestamp = clock.wall() + BigInt(seconds * 10) * (second / 10n);
    return makePacket({ audience, timestamp, ...(keyHex && { keyHex }) });
  };
  const skew = async (): Promise<unknown> => {
    const state = await (await fetch(`${gateway.management}/state`)).json();
    return (state as { clock_skew_seconds: number | null }).clock_skew_seconds;
  };
  return {
    clock,
    gateway,
    packetAhead,
    skew,
    /** Lets a second pass and pushes a packet that is signed so many seconds from now. */
    pushAhead: (seconds: number, keyHex?: string): Promise<number> => {
      clock.advance(1_000);
      return push(gateway, packetAhead(seconds, keyHex));
    },
    warning: async (): Promise<string | undefined> => {
      const answer = await fetch(`${gateway.api}/api/status`, { headers: withKey });
      const status = (await answer.json()) as { warnings: string[]; clock_skew_seconds: unknown };
      expect(status.clock_skew_seconds).toBe(await skew());
      const shown = await metric(gateway, "qrng_gateway_clock_skew_seconds");
      expect(shown).toBe(status.clock_skew_seconds ?? 0);
      return status.warnings.find((text) => text.startsWith("clock:"));
    },
    [Symbol.asyncDispose]: () => gateway.stop(),
  };
}

test("how far a collector's clock is off is told until one of its packets is taken", async () => {
  await using scene = await startSkewed();
  const { pushAhead, skew, warning } = scene;
  // Before this gateway started: no clock is to blame.
  expect(await pushAhead(-2)).toBe(410);
  expect(await pushAhead(-2)).toBe(410);
  // Nobody's, so it says nothing.
  expect(await pushAhead(300, strangersKey)).toBe(401);
  expect(await pushAhead(300, strangersKey)).toBe(401);
  expect(await skew()).toBeNull();
  expect(await warning()).toBeUndefined();

  expect(await pushAhead(300)).toBe(410);
  expect(await skew()).toBeNull();
  expect(await pushAhead(300)).toBe(410);
  expect(await warning()).toBe(
    "clock: packets are refused, since the collector's clock is 300 seconds ahead of this gateway's",
  );
  // What the way between them adds is no change.
  expect(await pushAhead(299.5)).toBe(410);
  expect(await skew()).toBe(300);
  expect(await pushAhead(320)).toBe(410);
  expect(await pushAhead(320)).toBe(410);
  expect(await skew()).toBe(320);
  expect(await pushAhead(-500)).toBe(410);
  expect(await skew()).toBe(320);
  expect(await pushAhead(-500)).toBe(410);
  expect(await warning()).toContain("500 seconds behind this gateway's");

  scene.clock.advance(10_000);
  expect(await pushAhead(0)).toBe(200);
  expect(await skew()).toBeNull();
  expect(await warning()).toBeUndefined();
});

test("an old packet that somebody kept, pushed again and again, is no clock that is off", async () => {
  await using scene = await startSkewed();
  const { clock, gateway, packetAhead, pushAhead, skew } = scene;
  clock.advance(10_000);
  const kept = packetAhead(0);
  expect(await push(gateway, kept)).toBe(200);
  clock.advance(600_000);
  for (const pause of [0, 500, 1_000, 60_000]) {
    clock.advance(pause);
    expect(await push(gateway, kept)).toBe(410);
    expect(await skew()).toBeNull();
  }
  // Nor does it belong to a row: what is really off is told by two more.
  expect(await pushAhead(-90)).toBe(410);
  expect(await skew()).toBeNull();
  expect(await pushAhead(-90)).toBe(410);
  expect(await skew()).toBe(-90);
});

test("what no packet has shown for five minutes is told no more", async () => {
  await using scene = await startSkewed();
  const { clock, pushAhead, skew } = scene;
  await pushAhead(300);
  await pushAhead(300);
  clock.advance(240_000);
  await pushAhead(300);
  clock.advance(240_000);
  expect(await skew()).toBe(300);
  clock.advance(61_000);
  expect(await skew()).toBeNull();
});
