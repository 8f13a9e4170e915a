import { readFile, stat, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { ConfigError } from "../../common/errors.ts";
import { Horizon } from "../../gateway/push/horizon.ts";
import { closedFor } from "../../gateway/push/opening.ts";
import { Window } from "../../gateway/push/window.ts";
import { captureLog } from "../helpers/capturedLog.ts";
import { makeFolder } from "../helpers/folder.ts";
import { ManualClock } from "../helpers/manualClock.ts";

const milliseconds = (count: number): bigint => BigInt(count) * 1_000_000n;

describe("the window", () => {
  const create = (horizon = 0n): { clock: ManualClock; window: Window; start: bigint } => {
    const clock = new ManualClock();
    const start = clock.wall();
    return { clock, start, window: new Window({ past: 30_000, future: 2_000, clock, horizon }) };
  };

  test("opens behind the start and the future allowance", () => {
    const { clock, window, start } = create();
    expect(window.isFresh(start + milliseconds(2_000))).toBe(false);
    expect(window.isFresh(start + milliseconds(2_001))).toBe(false); // still too far ahead
    clock.advance(1);
    expect(window.isFresh(start + milliseconds(2_001))).toBe(true);
  });

  test("is open from past, exclusive, to future, inclusive", () => {
    const { clock, window } = create();
    clock.advance(100_000);
    const now = clock.wall();
    expect(window.isFresh(now - milliseconds(30_000))).toBe(false);
    expect(window.isFresh(now - milliseconds(30_000) + 1n)).toBe(true);
    expect(window.isFresh(now + milliseconds(2_000))).toBe(true);
    expect(window.isFresh(now + milliseconds(2_000) + 1n)).toBe(false);
  });

  test("does not follow a clock that is set back", () => {
    const { clock, window } = create();
    clock.advance(100_000);
    const now = window.now();
    clock.step(-60_000);
    expect(window.now()).toBe(now);
    expect(window.isFresh(clock.wall())).toBe(false);
  });

  test("its floor only rises", () => {
    const { clock, window } = create();
    clock.advance(100_000);
    const evicted = clock.wall() - milliseconds(10);
    window.raise(evicted);
    window.raise(evicted - milliseconds(5_000));
    expect(window.isFresh(evicted)).toBe(false);
    expect(window.isFresh(evicted + 1n)).toBe(true);
  });

  test("starts from an inherited horizon where that is later", () => {
    const later = create(new ManualClock().wall() + milliseconds(50_000));
    later.clock.advance(49_000);
    expect(later.window.isFresh(later.clock.wall() + milliseconds(1_000))).toBe(false);
    expect(later.window.isFresh(later.clock.wall() + milliseconds(1_001))).toBe(true);
  });
});

describe("until a gateway takes pushes", () => {
  /** Seconds by which the earlier process's horizon is ahead of the start. */
  const wait = (future: number, ahead = -60, passed = 0) => {
    const clock = new ManualClock();
    const horizon = clock.wall() + milliseconds(ahead * 1_000);
    const window = new Window({ past: 30_000, future, clock, horizon });
    clock.advance(passed);
    const captured = captureLog();
    return { milliseconds: closedFor(window, future, captured.log), said: captured.messages() };
  };

  test("what was signed before its start is past, by the half for a clock that is behind", () => {
    expect(wait(2_000)).toEqual({ milliseconds: 3_000, said: [] });
    expect(wait(2_000, -60, 500)).toEqual({ milliseconds: 2_500, said: [] });
    expect(wait(2_000, -60, 2_000)).toEqual({ milliseconds: 0, said: [] });
    expect(wait(0)).toEqual({ milliseconds: 0, said: [] });
  });

  test("what the process before it may have taken is past too", () => {
    expect(wait(2_000, 3)).toEqual({ milliseconds: 4_000, said: [] });
    expect(wait(0, 1)).toEqual({ milliseconds: 1_000, said: [] });
  });

  test("a clock that was set back is told of, and not waited for", () => {
    const said = [expect.stringMatching("signed later than this clock's now")];
    expect(wait(2_000, 3.001)).toEqual({ milliseconds: 0, said });
    expect(wait(0, 86_400)).toEqual({ milliseconds: 0, said });
  });
});

describe("the horizon's file", () => {
  test("covers a stamp before cover resolves, and is inherited", async () => {
    await using folder = await makeFolder();
    const file = folder.at("state", "horizon");
    const first = await Horizon.load(file);
    expect(first.inherited).toBe(0n);
    await first.cover(5_000n);
    expect(BigInt(await readFile(file, "utf8"))).toBeGreaterThanOrEqual(5_000n);
    expect((await Horizon.load(file)).inherited).toBeGreaterThanOrEqual(5_000n);
  });

  test("is written once for many stamps within its reach", async () => {
    await using folder = await makeFolder();
    const file = folder.at("horizon");
    const horizon = await Horizon.load(file);
    await Promise.all([horizon.cover(1_000n), horizon.cover(2_000n), horizon.cover(3_000n)]);
    const { mtimeNs, ino } = await stat(file, { bigint: true });
    await horizon.cover(500_000_000n);
    expect(await stat(file, { bigint: true })).toMatchObject({ mtimeNs, ino });
    await horizon.cover(5_000_000_000n);
    expect((await stat(file, { bigint: true })).ino).not.toBe(ino);
    expect((await Horizon.load(file)).inherited).toBeGreaterThanOrEqual(5_000_000_000n);
  });

  test("that holds no time is an error, not a fresh start", async () => {
    await using folder = await makeFolder();
    const file = folder.at("horizon");
    await writeFile(file, "zz\n");
    await expect(Horizon.load(file)).rejects.toThrow(ConfigError);
    await expect(Horizon.load(folder.path)).rejects.toThrow(/cannot be read/);
  });

  test("that cannot be written lets nothing be covered", async () => {
    await using folder = await makeFolder();
    const horizon = await Horizon.load(folder.at("horizon"));
    await writeFile(folder.at("horizon.new"), "", { mode: 0o600 });
    await folder[Symbol.asyncDispose]();
    await expect(horizon.cover(1n)).rejects.toThrow();
  });

  test("is not needed where none is configured", async () => {
    await (await Horizon.load(undefined)).cover(2n ** 62n);
  });
});
