import fc from "fast-check";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { ApiClient } from "../../../operator/api/client.ts";
import { RequestCounts } from "../../../operator/api/requestCounts.ts";
import { Transport } from "../../../operator/api/transport.ts";
import { exposeLeadership, LeaderElection } from "../../../operator/engine/leaderElection.ts";
import { captureLog } from "../../helpers/capturedLog.ts";
import { eventually } from "../../helpers/eventually.ts";
import { ManualScheduler } from "../../helpers/manualScheduler.ts";
import { FaultApiServer, hangs, refuses } from "../api/helpers/faultApiServer.ts";

const collection = "/apis/coordination.k8s.io/v1/namespaces/n/leases";

/** A candidate with a clock of its own. */
function startCandidate(server: FaultApiServer, identity: string, wall = Date.UTC(2026, 0, 1)) {
  const scheduler = new ManualScheduler(wall);
  const transport = new Transport({
    credentials: {
      server: server.url,
      tls: { ca: server.ca },
      headers: async () => ({ authorization: identity }),
      renew: () => undefined,
    },
    scheduler,
    random: () => 0,
    counts: new RequestCounts(),
  });
  const captured = captureLog();
  let lost = 0;
  const election = new LeaderElection({
    client: new ApiClient(transport, "test"),
    lease: { namespace: "n", name: "l" },
    identity,
    onLost: () => lost++,
    scheduler,
    random: () => 0,
    log: captured.log,
  });
  return {
    election,
    scheduler,
    captured,
    lost: () => lost,
    /** Resolves when its attempt has ended and it waits for the next. */
    asleep: () => eventually(() => scheduler.dues().includes(2_000)),
    /** Lets it make its attempts, one each 2 s. */
    async pass(milliseconds: number): Promise<void> {
      for (let passed = 0; passed < milliseconds; passed += 2_000) {
        await scheduler.pass(2_000);
        await eventually(() => lost > 0 || scheduler.dues().includes(2_000));
      }
    },
    async [Symbol.asyncDispose]() {
      await election.stop();
      transport.close();
    },
  };
}

const holder = (server: FaultApiServer): unknown => {
  const spec = server.collections.get(collection, "l")?.["spec"];
  return (spec as { holderIdentity?: unknown } | undefined)?.holderIdentity;
};

test("one leads, renews each 2 s with one write, and the other waits", async () => {
  await using server = await FaultApiServer.start();
  await using one = startCandidate(server, "one");
  await one.election.elected;
  await one.asleep();
  await using two = startCandidate(server, "two");
  await two.asleep();
  server.requests.length = 0;
  await one.pass(60_000);
  expect(server.requests).toHaveLength(30);
  for (const request of server.requests) expect(request).toMatch(/^PUT .*\/leases\/l\?/);
  expect(one.election.leads()).toBe(true);
  expect(two.election.leads()).toBe(false);
  expect(holder(server)).toBe("one");
  expect(() => one.election.fence()).not.toThrow();
  expect(() => two.election.fence()).toThrow("not sent");
  const registry = new Registry();
  exposeLeadership(registry, "l", () => one.election.leads());
  expect(await registry.metrics()).toContain('leader_election_master_status{name="l"} 1');
});

test("a silent holder is followed after 15 s of the candidate's own time, whatever the clocks say", async () => {
  await using server = await FaultApiServer.start();
  await using one = startCandidate(server, "one", Date.UTC(2030, 0, 1));
  await one.election.elected;
  await one.asleep();
  await using two = startCandidate(server, "two", Date.UTC(2020, 0, 1));
  await two.asleep();
  await two.pass(14_000);
  expect(two.election.leads()).toBe(false);
  await one.pass(2_000); // renews: the 15 s begin anew
  await two.pass(16_000);
  expect(two.election.leads()).toBe(false);
  await two.pass(2_000);
  expect(two.election.leads()).toBe(true);
  expect(holder(server)).toBe("two");
});

test("who slept past its lease may write nothing when it wakes, and is told once that it lost", async () => {
  await using server = await FaultApiServer.start();
  await using one = startCandidate(server, "one");
  await one.election.elected;
  await one.asleep();
  await using two = startCandidate(server, "two");
  await two.pass(18_000);
  expect(two.election.leads()).toBe(true);
  one.scheduler.advance(18_000); // time has passed and no timer has run yet
  expect(one.election.leads()).toBe(false);
  expect(() => one.election.fence()).toThrow("not sent");
  await one.scheduler.pass(60_000);
  expect(one.lost()).toBe(1);
  expect(holder(server)).toBe("two");
});

test.each([
  ["does not answer", hangs],
  ["refuses", refuses(500, "InternalError")],
])("a server that %s costs the lease 10 s after the last renewal was sent", async (_, fault) => {
  await using server = await FaultApiServer.start();
  await using one = startCandidate(server, "one");
  await one.election.elected;
  await one.asleep();
  server.fail(/./, fault, Infinity);
  for (let second = 1; second < 10; second++) await one.scheduler.pass(1_000);
  expect(one.election.leads()).toBe(true);
  expect(one.lost()).toBe(0);
  await one.scheduler.pass(1_000);
  expect(one.lost()).toBe(1);
  expect(one.election.leads()).toBe(false);
});

test("a server that is away for less costs nothing, and is told once", async () => {
  await using server = await FaultApiServer.start();
  await using one = startCandidate(server, "one");
  await one.election.elected;
  await one.asleep();
  server.fail(/./, refuses(503, "ServiceUnavailable"), 3);
  await one.pass(60_000);
  expect(one.lost()).toBe(0);
  expect(one.election.leads()).toBe(true);
  const complaints = one.captured.messages().filter((text) => text !== "leads");
  expect(complaints).toEqual(["lease cannot be read or written"]);
});

test("a lease that others changed without taking it is renewed all the same", async () => {
  await using server = await FaultApiServer.start();
  await using one = startCandidate(server, "one");
  await one.election.elected;
  await one.asleep();
  const { metadata: _, ...fields } = server.collections.get(collection, "l")!;
  server.collections.put(collection, "l", { ...fields, note: 1 });
  await one.pass(2_000);
  server.collections.remove(collection, "l");
  await one.pass(20_000);
  expect(one.election.leads()).toBe(true);
  expect(holder(server)).toBe("one");
});

test("who finds another in its lease has lost at once", async () => {
  await using server = await FaultApiServer.start();
  await using one = startCandidate(server, "one");
  await one.election.elected;
  await one.asleep();
  server.collections.put(collection, "l", { spec: { holderIdentity: "two" } });
  await one.pass(2_000);
  expect(one.lost()).toBe(1);
  expect(() => one.election.fence()).toThrow("not sent");
});

test("stopped, the leader gives the lease back, and the next takes it at once", async () => {
  await using server = await FaultApiServer.start();
  const one = startCandidate(server, "one");
  await one.election.elected;
  await one.asleep();
  await using two = startCandidate(server, "two");
  await two.asleep();
  await one[Symbol.asyncDispose]();
  expect(holder(server)).toBe("");
  expect(one.election.leads()).toBe(false);
  expect(one.scheduler.waiting).toBe(0);
  await two.pass(2_000);
  expect(two.election.leads()).toBe(true);
  expect(one.lost()).toBe(0);
});

test("of many who come at once, one leads", async () => {
  await using server = await FaultApiServer.start();
  await using stack = new AsyncDisposableStack();
  const names = Array.from({ length: 8 }, (_, n) => `candidate ${n}`);
  const all = names.map((name) => stack.use(startCandidate(server, name)));
  await Promise.all(all.map(({ asleep }) => asleep()));
  expect(all.filter(({ election }) => election.leads())).toHaveLength(1);
});

test("however processes are paused, two never lead at a time, and one leads in the end", async () => {
  const names = ["one", "two", "three"];
  const pauses = fc.array(fc.subarray(names), { minLength: 5, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(pauses, async (steps) => {
      await using server = await FaultApiServer.start();
      await using stack = new AsyncDisposableStack();
      const alive = new Map(names.map((name) => [name, stack.use(startCandidate(server, name))]));
      await Promise.all([...alive.values()].map(({ asleep }) => asleep()));
      // Each step is 2 s of everybody's time, less than the 5 s between losing and following.
      const passAll = async (paused: readonly string[]): Promise<void> => {
        for (const [name, candidate] of alive) {
          if (paused.includes(name)) candidate.scheduler.advance(2_000);
          else await candidate.pass(2_000);
        }
        const leading = [...alive.values()].filter(({ election }) => election.leads());
        expect(leading.length).toBeLessThanOrEqual(1);
        // Who has lost ends, as a process does, and is started anew.
        for (const [name, candidate] of alive) {
          if (candidate.lost() === 0) continue;
          alive.set(
            name,
            stack.use(startCandidate(server, `${name} again ${server.requests.length}`)),
          );
          await alive.get(name)?.asleep();
        }
      };
      for (const paused of steps) await passAll(paused);
      for (let n = 0; n < 10; n++) await passAll([]);
      expect([...alive.values()].filter(({ election }) => election.leads())).toHaveLength(1);
    }),
    { numRuns: 20 },
  );
});
