import fc from "fast-check";
import { expect, test } from "vitest";
import { SourceTests } from "../../../common/health/sourceTests.ts";
import { createMixer } from "../../../common/mixing/mixer.ts";
import { startSupply } from "../../../common/supply/supply.ts";
import { captureLog } from "../../helpers/capturedLog.ts";
import { eventually } from "../../helpers/eventually.ts";
import { seededBytes } from "../../helpers/seededBytes.ts";
import { fails, scriptedSource } from "./helpers/scriptedSource.ts";
import { RecordingSink } from "./helpers/recordingSink.ts";

/**
 * Any history of sources that are good, stutter, repeat themselves and are away, into a sink that
 * has room now and then: what became of every byte is told, and no byte of a bad chunk gets through.
 */
const kinds = ["good", "good", "good", "stutter", "repeat", "down"] as const;
const history = fc.record({
  strategy: fc.constantFrom("None" as const, "Xor" as const, "Hash" as const),
  minSources: fc.integer({ min: 1, max: 3 }),
  scripts: fc.array(
    fc.record({
      chunkBytes: fc.constantFrom(64, 500, 1_024, 1_500, 4_096),
      steps: fc.array(fc.constantFrom(...kinds), { maxLength: 12 }),
    }),
    { minLength: 3, maxLength: 3 },
  ),
  /** Pieces that the sink takes, one after the other; then as many as come. */
  room: fc.nat(6),
  seed: fc.nat(),
});
type History = typeof history extends fc.Arbitrary<infer Value> ? Value : never;

const names = ["a", "b", "c"];
const entropy = { minEntropyMillibitsPerByte: 7_900 };

/** What a script gives, with a record of what is bad in it. */
function scriptOf({ chunkBytes, steps }: History["scripts"][number], seed: number) {
  const next = seededBytes(seed);
  const good: Buffer[] = [];
  const bad: Buffer[] = [];
  const noted = (list: Buffer[], bytes: Buffer): Buffer => {
    list.push(Buffer.from(bytes));
    return bytes;
  };
  const makers = {
    good: () => noted(good, next(chunkBytes)),
    stutter: () => noted(bad, next(chunkBytes).fill(0x5a, 20, 28)),
    repeat: () => (good[0] === undefined ? makers.good() : noted(bad, Buffer.from(good[0]))),
    down: fails("ERR_SOURCE_UNREACHABLE"),
  };
  return { script: [...steps.map((step) => makers[step]), makers.down], good, bad };
}

/** Each look at it is an hour later, so that no quarantine lasts. */
function fastClock() {
  let now = 0;
  return { wall: () => 0n, monotonic: () => (now += 3_600_000) };
}

async function play({ strategy, minSources, scripts, room, seed }: History) {
  const sink = new RecordingSink(room);
  const written = scripts.map((script, at) => scriptOf(script, (seed + at) % 2 ** 32));
  const sources = written.map(({ script }, at) =>
    scriptedSource(script, { name: names[at]!, chunkBytes: scripts[at]!.chunkBytes }),
  );
  const supply = startSupply({
    sources: sources.map((source) => ({
      source,
      tests: new SourceTests({ ...entropy, alphaExponent: 40 }),
      interval: 0,
    })),
    mixer: createMixer({
      strategy,
      minSources: strategy === "None" ? 1 : minSources,
      sources: names.map((name) => ({ name, ...entropy })),
      alphaExponent: 40,
    }),
    sink,
    mixBytes: 1_000,
    maxWait: 2 ** 31 - 1,
    onFetch: () => undefined,
    clock: fastClock(),
    random: () => 0,
    log: captureLog().log,
  });
  const progress = (): number =>
    supply.loops.reduce((sum, { outcomes }) => sum + outcomes.get("ok"), sink.held.length);
  // A mix may stand still for good: it is over when nothing has come for some looks.
  let [before, looks] = [0, 0];
  await eventually(() => {
    sink.letIn(1);
    looks = progress() === before ? looks + 1 : 0;
    before = progress();
    return looks === 8;
  });
  await supply.stop(AbortSignal.abort());
  return { supply, sink, sources, written };
}

test("every byte is used once, or zeroed and counted; none of a bad chunk gets through", async () => {
  await fc.assert(
    fc.asyncProperty(history, async (each) => {
      const { supply, sink, sources, written } = await play(each);
      const out = sink.bytes();
      if (each.strategy === "None") {
        const fetched = supply.loops.reduce((sum, loop) => sum + loop.fetchedBytes(), 0);
        const discarded = supply.loops.reduce((sum, loop) => sum + loop.discarded.total(), 0);
        expect(discarded + sink.revokedBytes + out.length).toBe(fetched);
        for (const [at, { good }] of written.entries()) {
          let from = 0;
          const stream = Buffer.concat(good);
          for (const { data } of sink.held.filter(({ sources: mask }) => mask === 1 << at)) {
            const found = stream.indexOf(data, from);
            expect(found).toBeGreaterThanOrEqual(from);
            from = found + data.length;
          }
        }
      } else {
        const counts = sink.held.map(({ sources: mask }) =>
          names.filter((_, at) => mask & (1 << at)),
        );
        expect(counts.every(({ length }) => length >= each.minSources)).toBe(true);
      }
      for (const { data } of sink.held) data.fill(0);
      const given = Buffer.concat(sources.flatMap((source) => source.given));
      expect(given.equals(Buffer.alloc(given.length))).toBe(true);
    }),
    { numRuns: 60 },
  );
});
