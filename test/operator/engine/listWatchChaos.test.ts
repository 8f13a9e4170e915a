import fc from "fast-check";
import { setImmediate as turn } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { expect, test } from "vitest";
import { eventually } from "../../helpers/eventually.ts";
import { refuses, resets, sends, type FaultApiServer } from "../api/helpers/faultApiServer.ts";
import { collection, startRig } from "../api/helpers/rig.ts";
import { follow, stored } from "./helpers/follow.ts";

const faults = {
  500: refuses(500, "InternalError"),
  429: refuses(429, "TooManyRequests", 0),
  410: refuses(410, "Expired"),
  403: refuses(403, "Forbidden"),
  reset: resets,
  empty: sends(""),
  garbage: sends("{"),
};
const harm: Record<string, (server: FaultApiServer) => void> = {
  cut: (server) => server.cut(),
  end: (server) => server.endWatches(),
  compact: (server) => server.collections.compact(),
  expire: (server) => server.expireWatches(),
  bookmark: (server) => server.bookmark(),
  garbage: (server) => server.write("}\n"),
};

const name = fc.constantFrom("a", "b", "c", "d");
const step = fc.oneof(
  fc.record({ do: fc.constantFrom("put" as const, "remove" as const), name }),
  fc.record({ do: fc.constant("harm" as const), harm: fc.constantFrom(...Object.keys(harm)) }),
  fc.record({ do: fc.constant("fail" as const), fault: fc.constantFrom(...Object.values(faults)) }),
  fc.record({ do: fc.constant("wait" as const), turns: fc.integer({ min: 1, max: 20 }) }),
);

test("whatever happens to its connections, an informer comes to hold and to have told the truth", async () => {
  await using rig = await startRig();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      await using follower = follow(rig);
      for (const action of steps) {
        switch (action.do) {
          case "put":
            rig.widgets.put(collection, action.name);
            break;
          case "remove":
            rig.widgets.remove(collection, action.name);
            break;
          case "harm":
            harm[action.harm]?.(rig.server);
            break;
          case "fail":
            rig.server.fail(/./, action.fault);
            break;
          case "wait":
            for (let n = 0; n < action.turns; n++) await turn();
        }
      }
      await follower.informer.synced;
      await eventually(() => isDeepStrictEqual(follower.held(), stored(rig)));
      expect(replay(follower.changes)).toEqual(follower.held());
    }),
    { numRuns: 100 },
  );
});

/** What a subscriber holds who does as it is told. */
function replay(changes: ReturnType<typeof follow>["changes"]): Record<string, string> {
  const held = new Map<string, string>();
  for (const { type, key, object } of changes) {
    expect(held.has(key)).toBe(type !== "added");
    if (type === "deleted") held.delete(key);
    else held.set(key, object.version);
  }
  return Object.fromEntries(held);
}
