import { afterEach, expect, test } from "vitest";
import { SourceTests } from "../../../common/health/sourceTests.ts";
import {
  retryAfter,
  retrySoon,
  retryWhenChanged,
  SourceError,
  type Retry,
} from "../../../common/sources/source.ts";
import type { WatchedFiles } from "../../../common/sources/watchedFiles.ts";
import { startSourceLoop, type SourceLoop } from "../../../common/supply/sourceLoop.ts";
import { Notice } from "../../../common/wait.ts";
import { captureLog } from "../../helpers/capturedLog.ts";
import { eventually } from "../../helpers/eventually.ts";

/** So long that a test never sees its end. */
const day = 86_400_000;
const running = new Set<SourceLoop>();
afterEach(async () => {
  await Promise.all([...running].map((loop) => loop.stop()));
  running.clear();
});

/** A loop whose source only fails, with pauses of no length but what the source asks for. */
function start(retry: Retry, watched?: WatchedFiles) {
  const captured = captureLog();
  let fetches = 0;
  const loop = startSourceLoop({
    source: {
      name: "lab",
      chunkBytes: 64,
      watched,
      fetch: async () => {
        fetches += 1;
        await Promise.resolve();
        throw new SourceError("ERR_SOURCE_CREDENTIAL", "no", { retry });
      },
      close: () => undefined,
    },
    tests: new SourceTests({ minEntropyMillibitsPerByte: 7900, alphaExponent: 40 }),
    untilRoom: () => Promise.resolve(),
    pass: () => expect.fail("no bytes came"),
    cutOff: () => expect.fail("nothing was tested"),
    onChange: () => undefined,
    onFetch: () => undefined,
    interval: 0,
    backoff: { min: 1, max: 1 },
    clock: { wall: () => 0n, monotonic: () => 0 },
    random: () => 0,
    log: captured.log,
  });
  running.add(loop);
  return { loop, captured, fetches: () => fetches };
}

/** Files that change when the test says so. */
function makeFiles(): WatchedFiles & { change(): void } {
  const changed = new Notice();
  let revision = 0;
  return {
    paths: ["/etc/lab.token"],
    revision: () => revision,
    untilAfter: async (since, signal) => {
      while (revision <= since && !signal.aborted) await changed.wait(signal);
    },
    change: () => {
      revision += 1;
      changed.notify();
    },
  };
}

/** Until another loop has gone round often, in which this one could have as well. */
async function others(): Promise<void> {
  const { fetches } = start(retrySoon);
  await eventually(() => fetches() > 100);
}

test("later: not before the time that the source names is over", async () => {
  const { fetches } = start(retryAfter(day));
  await others();
  expect(fetches()).toBe(1);
});

test("later: again when it is over", async () => {
  const { fetches } = start(retryAfter(2));
  await eventually(() => fetches() > 5);
});

test("changed: only when a file has changed, and the log says so each time it stops", async () => {
  const files = makeFiles();
  const { fetches, captured } = start(retryWhenChanged, files);
  await others();
  expect(fetches()).toBe(1);
  files.change();
  await eventually(() => fetches() === 2);
  await others();
  expect(fetches()).toBe(2);
  const stops = captured.lines().filter(({ level }) => level === "error");
  const stop = {
    source: "lab",
    files: ["/etc/lab.token"],
    message: "source is not asked again until one of its files changes, or a restart",
  };
  expect(stops.map(({ source, files, message }) => ({ source, files, message }))).toEqual([
    stop,
    stop,
  ]);
});

test("changed: a file that changed while the fetch was under way is tried at once", async () => {
  const files = makeFiles();
  const hasty: WatchedFiles = {
    ...files,
    revision: () => {
      const before = files.revision();
      if (before < 3) files.change(); // between the fetch's begin and its end
      return before;
    },
  };
  const { fetches } = start(retryWhenChanged, hasty);
  await eventually(() => fetches() === 4);
  await others();
  expect(fetches()).toBe(4);
});

test("changed: without files only a restart helps, and a stop ends the wait", async () => {
  const { fetches, captured, loop } = start(retryWhenChanged);
  await others();
  expect(fetches()).toBe(1);
  expect(captured.messages()).toContain(
    "source is not asked again until the program is started with another config",
  );
  await loop.stop();
});
