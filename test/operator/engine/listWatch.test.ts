import { expect, test } from "vitest";
import { eventually } from "../../helpers/eventually.ts";
import { ManualScheduler } from "../../helpers/manualScheduler.ts";
import { refuses, resets, sends } from "../api/helpers/faultApiServer.ts";
import { collection, startRig, type Rig } from "../api/helpers/rig.ts";
import { follow, stored } from "./helpers/follow.ts";

function fill({ widgets }: Rig, names: readonly string[]): void {
  for (const name of names) widgets.put(collection, name);
}

const listing = /^GET [^?]*\/widgets(\?(?!.*watch=true).*)?$/;
const watching = /watch=true/;

test("what is there is told, then what happens, in order and after the cache holds it", async () => {
  await using rig = await startRig();
  fill(rig, ["x", "y"]);
  await using follower = follow(rig);
  const heldWhenTold: (string | undefined)[] = [];
  follower.informer.subscribe(({ key }) => heldWhenTold.push(follower.informer.get(key)?.version));
  await follower.informer.synced;
  await eventually(() => rig.server.watching === 1);
  const changed = rig.widgets.put(collection, "y", { a: 1 });
  rig.widgets.put(collection, "z");
  rig.widgets.remove(collection, "x");
  await eventually(() => follower.changes.length === 5);
  expect(follower.told()).toEqual(["+x", "+y", "~y", "+z", "-x"]);
  expect(heldWhenTold[2]).toBe(changed.metadata.resourceVersion);
  expect(heldWhenTold[4]).toBeUndefined();
  expect(follower.held()).toEqual(stored(rig));
  expect(follower.informer.problem()).toBeUndefined();
});

test("who subscribes later is told first what is there", async () => {
  await using rig = await startRig();
  fill(rig, ["x", "y"]);
  await using follower = follow(rig);
  await follower.informer.synced;
  const late: string[] = [];
  follower.informer.subscribe(({ type, key }) => late.push(`${type} ${key}`));
  expect(late).toEqual(["added a/x", "added a/y"]);
});

test("a list comes in pages of 500", async () => {
  await using rig = await startRig();
  fill(
    rig,
    Array.from({ length: 1_200 }, (_, n) => `w${String(n).padStart(4, "0")}`),
  );
  await using follower = follow(rig);
  await follower.informer.synced;
  expect(follower.changes).toHaveLength(1_200);
  expect(rig.server.requests.filter((line) => listing.test(line))).toHaveLength(3);
});

test("a page that is too old lets the list begin again", async () => {
  await using rig = await startRig();
  fill(
    rig,
    Array.from({ length: 1_200 }, (_, n) => `w${String(n).padStart(4, "0")}`),
  );
  rig.server.fail(/continue=/, refuses(410, "Expired"));
  await using follower = follow(rig);
  await follower.informer.synced;
  expect(follower.held()).toEqual(stored(rig));
  expect(follower.changes).toHaveLength(1_200); // none of the first page is told twice
});

test("pages that always are too old end in a list of one piece", async () => {
  await using rig = await startRig();
  fill(
    rig,
    Array.from({ length: 600 }, (_, n) => `w${String(n).padStart(4, "0")}`),
  );
  rig.server.fail(/continue=/, refuses(410, "Expired"), Infinity);
  await using follower = follow(rig);
  await follower.informer.synced;
  expect(follower.held()).toEqual(stored(rig));
});

test("a cut watch goes on where it was, without a new list", async () => {
  await using rig = await startRig();
  fill(rig, ["x"]);
  await using follower = follow(rig);
  for (let round = 1; round <= 5; round++) {
    await eventually(() => rig.server.watching === 1);
    rig.server.cut();
    rig.widgets.put(collection, "x", { round });
    rig.widgets.put(collection, `y${round}`);
    await eventually(() => follower.changes.length === 1 + 2 * round);
  }
  expect(follower.held()).toEqual(stored(rig));
  expect(follower.informer.events.get("list")).toBe(1);
  expect(follower.informer.events.get("broken")).toBe(5);
});

test("410 Gone as an event leads to a new list, which tells nothing twice", async () => {
  await using rig = await startRig();
  fill(rig, ["x"]);
  await using follower = follow(rig);
  await eventually(() => rig.server.watching === 1);
  rig.server.expireWatches();
  await eventually(() => follower.informer.events.get("watch") === 2);
  rig.widgets.put(collection, "y");
  await eventually(() => follower.changes.length === 2);
  expect(follower.told()).toEqual(["+x", "+y"]);
  expect(follower.informer.events.get("list")).toBe(2);
});

test.each([
  ["as the first event of a watch", () => undefined],
  ["as HTTP's status", (rig: Rig) => rig.server.fail(watching, refuses(410, "Expired"))],
])("410 Gone %s leads to a new list, which tells the difference", async (_, arrange) => {
  await using rig = await startRig();
  fill(rig, ["kept", "changed", "gone", "replaced"]);
  await using follower = follow(rig);
  await eventually(() => rig.server.watching === 1);
  follower.changes.length = 0;
  arrange(rig);
  rig.server.cut();
  // All before the watch can be opened again.
  rig.widgets.put(collection, "changed", { a: 1 });
  rig.widgets.remove(collection, "gone");
  rig.widgets.remove(collection, "replaced");
  rig.widgets.put(collection, "replaced");
  rig.widgets.put(collection, "new");
  rig.widgets.compact();
  await eventually(() => follower.informer.events.get("list") === 2 && rig.server.watching === 1);
  expect(follower.told()).toEqual(["~changed", "+new", "-replaced", "+replaced", "-gone"]);
  expect(follower.held()).toEqual(stored(rig));
  expect(follower.informer.events.get("expired")).toBe(1);
});

test.each([
  ["500", refuses(500, "InternalError")],
  ["503 with Retry-After", refuses(503, "ServiceUnavailable", 0)],
  ["429", refuses(429, "TooManyRequests", 0)],
  ["403", refuses(403, "Forbidden")],
  ["404", refuses(404, "NotFound")],
  ["a reset", resets],
  ["bad JSON", sends("{")],
  ["JSON of another shape", sends('{"items":[{"metadata":{"name":1}}],"metadata":{}}')],
])("%s, to lists and to watches, ends nothing", async (_, fault) => {
  await using rig = await startRig();
  fill(rig, ["x"]);
  rig.server.fail(listing, fault, 3);
  rig.server.fail(watching, fault, 3);
  await using follower = follow(rig);
  await eventually(() => rig.server.watching === 1);
  rig.widgets.put(collection, "y");
  await eventually(() => follower.changes.length === 2);
  expect(follower.held()).toEqual(stored(rig));
  await eventually(() => follower.informer.problem() === undefined);
});

test.each([
  ["a line that is no JSON", "{]\n"],
  ["an event of no known type", '{"type":"MAYBE","object":{}}\n'],
  ["an object without metadata", '{"type":"ADDED","object":{}}\n'],
  ["a bookmark without a version", '{"type":"BOOKMARK","object":{"metadata":{}}}\n'],
  ["an error without a code", '{"type":"ERROR","object":{}}\n'],
  ["half a line", '{"type":"ADD'],
])("after %s in a watch all is as it should be", async (_, bytes) => {
  await using rig = await startRig();
  fill(rig, ["x"]);
  await using follower = follow(rig);
  await eventually(() => rig.server.watching === 1);
  rig.server.write(bytes);
  rig.server.endWatches();
  await eventually(() => follower.informer.events.get("watch") === 2);
  rig.widgets.put(collection, "y");
  await eventually(() => follower.changes.length === 2);
  expect(follower.held()).toEqual(stored(rig));
});

test("a bookmark moves on where a watch begins again", async () => {
  await using rig = await startRig();
  await using follower = follow(rig);
  await eventually(() => rig.server.watching === 1);
  rig.widgets.put("/apis/test.io/v1/namespaces/b/widgets", "elsewhere");
  rig.server.bookmark();
  const version = rig.widgets.resourceVersion;
  rig.widgets.compact();
  await eventually(() => {
    rig.server.endWatches();
    return rig.server.requests.at(-1)?.includes(`resourceVersion=${version}&`);
  });
  expect(follower.informer.events.get("list")).toBe(1);
});

test("a watch in which nothing comes for 150 s is opened again; a bookmark is something", async () => {
  const scheduler = new ManualScheduler();
  await using rig = await startRig({ scheduler });
  await using follower = follow(rig);
  await eventually(() => rig.server.watching === 1);
  const { events } = follower.informer;
  await eventually(() => events.get("watch") === 1);
  await scheduler.pass(149_000);
  const other = "/apis/test.io/v1/namespaces/b/widgets";
  rig.widgets.put(other, "x");
  rig.server.bookmark();
  await eventually(() => scheduler.latestDue() === 150_000);
  await scheduler.pass(145_000);
  expect(events.get("silent")).toBe(0);
  await scheduler.pass(10_000);
  await eventually(() => events.get("watch") === 2);
  expect(events.get("silent")).toBe(1);
  expect(events.get("list")).toBe(1);
});

test("attempts that come to nothing grow apart, up to 30 s, and begin anew after a success", async () => {
  const scheduler = new ManualScheduler();
  await using rig = await startRig({ scheduler, random: () => 0.999 });
  rig.server.fail(listing, refuses(500, "InternalError"), 8);
  await using follower = follow(rig);
  const waits: number[] = [];
  for (let failure = 1; failure <= 8; failure++) {
    await eventually(() => follower.informer.events.get("broken") === failure);
    waits.push(Math.round(scheduler.latestDue() / 1_000));
    await scheduler.pass(scheduler.latestDue());
  }
  expect(waits).toEqual([1, 2, 4, 8, 16, 30, 30, 30]);
  await eventually(() => rig.server.watching === 1);
  await follower.informer.synced;
  rig.widgets.put(collection, "x");
  await eventually(() => follower.changes.length === 1);
  rig.server.cut();
  await eventually(() => follower.informer.events.get("broken") === 9);
  expect(Math.round(scheduler.latestDue() / 1_000)).toBe(1);
  expect(follower.captured.messages().filter((text) => text === "does not follow")).toHaveLength(2);
});

test("a server that ends each watch as soon as it began is not asked without pause", async () => {
  const scheduler = new ManualScheduler();
  await using rig = await startRig({ scheduler, random: () => 0.999 });
  rig.server.fail(watching, sends(""), 3);
  await using follower = follow(rig);
  for (const failure of [1, 2, 3]) {
    await eventually(() => follower.informer.events.get("broken") === failure);
    expect(Math.round(scheduler.latestDue() / 1_000)).toBe(2 ** (failure - 1));
    await scheduler.pass(scheduler.latestDue());
  }
  await eventually(() => rig.server.watching === 1);
  expect(follower.informer.events.get("list")).toBe(1);
});

test("a handler that throws, and a project that throws, harm nobody else", async () => {
  await using rig = await startRig();
  fill(rig, ["x", "y"]);
  await using follower = follow(rig, (name) => {
    if (name === "y") throw new Error("hush");
  });
  follower.informer.subscribe(() => {
    throw new Error("hush");
  });
  await follower.informer.synced;
  await eventually(() => rig.server.watching === 1);
  rig.widgets.put(collection, "z");
  await eventually(() => follower.changes.length === 2);
  expect(follower.told()).toEqual(["+x", "+z"]);
  expect(follower.captured.messages()).toEqual(
    expect.arrayContaining(["a handler failed", "left out"]),
  );
  expect(follower.captured.text()).not.toContain("hush");
});

test("stopped at any moment it leaves no connection and no timer", async () => {
  const scheduler = new ManualScheduler();
  await using rig = await startRig({ scheduler });
  fill(rig, ["x"]);
  const moments: ((follower: ReturnType<typeof follow>) => Promise<unknown>)[] = [
    async () => undefined,
    async () => eventually(() => rig.server.requests.length > 0),
    async ({ informer }) => informer.synced,
    async () => eventually(() => rig.server.watching === 1),
  ];
  for (const moment of moments) {
    rig.server.requests.length = 0;
    const follower = follow(rig);
    await moment(follower);
    await follower.informer.stop();
    await eventually(() => rig.server.watching === 0);
    expect(scheduler.waiting).toBe(0);
  }
  rig.transport.close();
  await eventually(() => rig.server.open === 0);
});
