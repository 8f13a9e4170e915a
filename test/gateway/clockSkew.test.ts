import { expect, test } from "vitest";
import { ManualClock } from "../helpers/manualClock.ts";
import { makePacket, metric, push, startTestGateway, withKey } from "./helpers/gateway.ts";

const second = 1_000_000_000n;
const strangersKey = "99".repeat(32);

test("how far a collector's clock is off is told until one of its packets is taken", async () => {
  const clock = new ManualClock(Date.UTC(2026, 0, 1));
  const push0 = { window: { future: 0 } };
  await using gateway = await startTestGateway({ push: push0 }, { clock });
  const { audience } = gateway;
  const pushAhead = (seconds: number, keyHex?: string): Promise<number> => {
    const timestamp = clock.wall() + BigInt(seconds * 10) * (second / 10n);
    return push(gateway, makePacket({ audience, timestamp, ...(keyHex && { keyHex }) }));
  };
  const told = async () => {
    const state = await (await fetch(`${gateway.management}/state`)).json();
    const status = await (await fetch(`${gateway.api}/api/status`, { headers: withKey })).json();
    const { clock_skew_seconds: skew, warnings } = status as {
      clock_skew_seconds: number | null;
      warnings: string[];
    };
    expect(state).toMatchObject({ clock_skew_seconds: skew });
    expect(await metric(gateway, "qrng_gateway_clock_skew_seconds")).toBe(skew ?? 0);
    return { skew, warning: warnings.find((text) => text.startsWith("clock:")) };
  };

  clock.advance(1_000);
  // Before this gateway started: no clock is to blame.
  expect(await pushAhead(-2)).toBe(410);
  // Nobody's, so it says nothing.
  expect(await pushAhead(300, strangersKey)).toBe(401);
  expect(await told()).toEqual({ skew: null, warning: undefined });

  expect(await pushAhead(300)).toBe(410);
  expect(await told()).toEqual({
    skew: 300,
    warning:
      "clock: packets are refused, since the collector's clock is 300 seconds ahead of this gateway's",
  });
  // What the way between them adds is no change.
  expect(await pushAhead(298.5)).toBe(410);
  expect((await told()).skew).toBe(300);
  expect(await pushAhead(20)).toBe(410);
  expect((await told()).skew).toBe(20);
  expect(await pushAhead(-500)).toBe(410);
  expect((await told()).warning).toContain("500 seconds behind this gateway's");

  expect(await pushAhead(0)).toBe(200);
  expect(await told()).toEqual({ skew: null, warning: undefined });
});
