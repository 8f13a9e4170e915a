import fc from "fast-check";
import { expect, test } from "vitest";
import type { Endpoint } from "../../../common/probe/endpoint.ts";
import type { Outcome, Report } from "../../../common/probe/report.ts";
import type { Direction } from "../../../operator/oneWay/directions.ts";
import {
  holdSeconds,
  judge,
  type Observation,
  observe,
  type SiteObservations,
} from "../../../operator/oneWay/verdict.ts";

const endpoint: Endpoint = { protocol: "TCP", host: "10.0.0.2", port: 9465 };
const dnsEndpoint: Endpoint = { protocol: "UDP", host: "10.96.0.10", port: 53 };
const push: Endpoint = { protocol: "TCP", host: "10.0.0.1", port: 7765 };

const direction = (
  rest: Pick<Direction, "from" | "to" | "purpose">,
  { protocol, port }: Endpoint,
) => ({ protocol, port, ...rest }) satisfies Direction;

const seen = (outcome: Outcome, held: number, endpoint: Endpoint) => ({ outcome, held, endpoint });

function observation(
  rest: Pick<Direction, "from" | "to" | "purpose">,
  endpoint: Endpoint,
  outcome: Outcome,
  held = 40,
): Observation {
  return { direction: direction(rest, endpoint), endpoint, seen: seen(outcome, held, endpoint) };
}

/** All that a True needs. */
const reached = observation(
  { from: "outside", to: { place: "collector" }, purpose: "reference" },
  endpoint,
  "connected",
  0,
);
const dnsReached = observation(
  { from: "outside", to: { host: "dns" }, purpose: "reference" },
  dnsEndpoint,
  "connected",
);
const blocked = observation(
  { from: "gateway", to: { place: "collector" }, purpose: "forbidden" },
  endpoint,
  "silent",
);
const dnsBlocked = observation(
  { from: "gateway", to: { host: "dns" }, purpose: "forbidden" },
  dnsEndpoint,
  "silent",
);
const control = observation(
  { from: "collector", to: { place: "gateway" }, purpose: "allowed" },
  push,
  "connected",
);
const site: SiteObservations = {
  node: "node-1",
  reference: [reached],
  observed: [blocked, dnsBlocked, dnsReached, control],
};

const change = (of: Observation, rest: Partial<NonNullable<Observation["seen"]>>): Observation => ({
  ...of,
  seen: of.seen && { ...of.seen, ...rest },
});
const without = (of: Observation, ...instead: readonly Observation[]): SiteObservations => ({
  ...site,
  reference: site.reference.flatMap((each) => (each === of ? instead : [each])),
  observed: site.observed.flatMap((each) => (each === of ? instead : [each])),
});

test("silence that has held, of what can be reached, with a control that works, is proof", () => {
  expect(judge([site])).toEqual({ outcome: "Verified" });
  expect(judge([site, { ...site, node: "node-2" }])).toEqual({ outcome: "Verified" });
});

const lost: Observation = { ...blocked, seen: undefined };
const short = holdSeconds - 1;
const elsewhere = { ...endpoint, host: "10.0.0.9" };

test.each<[string, SiteObservations, RegExp]>([
  [
    "a pod that left no report",
    without(blocked, lost),
    /gateway → collector 9465 TCP: no report on node node-1/,
  ],
  [
    "silence that has not held",
    without(blocked, change(blocked, { held: short })),
    /silent for 29 s only/,
  ],
  [
    "an unroutable address",
    without(blocked, change(blocked, { outcome: "failed EHOSTUNREACH" })),
    /failed EHOSTUNREACH/,
  ],
  ["a target that nobody reached", without(reached), /silent for a pod without policies as well/],
  [
    "a target that refused nobody and answered nobody",
    without(reached, change(reached, { outcome: "silent" })),
    /as well/,
  ],
  [
    "another address than the one that was reached",
    without(reached, change(reached, { endpoint: elsewhere })),
    /as well/,
  ],
  [
    "another DNS server than the one that was reached",
    without(dnsReached, change(dnsReached, { endpoint: { ...dnsEndpoint, host: "10.96.0.11" } })),
    /gateway → DNS 53 UDP/,
  ],
  [
    "DNS that the pod did not find",
    without(dnsBlocked, change(dnsBlocked, { endpoint: undefined })),
    /as well/,
  ],
  [
    "a control that fails",
    without(control, change(control, { outcome: "silent" })),
    /no allowed direction got through/,
  ],
  [
    "a control that got through for a moment",
    without(control, change(control, { held: short })),
    /no allowed direction/,
  ],
  ["no control", without(control), /no allowed direction/],
  [
    "what got through and did not hold",
    without(blocked, change(blocked, { outcome: "connected", held: 2 })),
    /did not hold/,
  ],
  ["nothing that was forbidden", { ...site, observed: [control] }, /nothing forbidden was tried/],
])("%s proves nothing", (_, site, message) => {
  const verdict = judge([site]);
  expect(verdict).toEqual({
    outcome: "NotProven",
    message: expect.stringMatching(message) as string,
  });
  expect(judge([{ ...site, node: "other" }, site]).outcome).toBe("NotProven");
});

test("no node proves nothing", () => {
  expect(judge([])).toEqual({ outcome: "NotProven", message: "no node to check on" });
});

test.each<Outcome>(["connected", "refused"])(
  "what is %s has got through, whatever else failed",
  (outcome) => {
    const open = without(blocked, change(blocked, { outcome }));
    const verdict = {
      outcome: "PolicyNotEnforced",
      message: `gateway → collector 9465 TCP (${outcome}) on node node-1`,
    };
    expect(judge([open])).toEqual(verdict);
    expect(
      judge([
        { ...open, reference: [] },
        { ...site, observed: [] },
      ]),
    ).toEqual(verdict);
  },
);

test("the ports of one way are named together", () => {
  const udp = { ...blocked, direction: { ...blocked.direction, protocol: "UDP" as const } };
  const all = [blocked, dnsBlocked, udp].map((each) => change(each, { outcome: "connected" }));
  expect(judge([without(blocked, ...all)])).toMatchObject({
    message:
      "gateway → collector 9465 TCP (connected), 9465 UDP (connected) on node node-1; " +
      "gateway → DNS 53 UDP (connected) on node node-1",
  });
});

test("of many that got through the first are named, and the others counted", () => {
  const sites = Array.from({ length: 30 }, (_, n) => ({
    ...without(blocked, change(blocked, { outcome: "connected" })),
    node: `node-${n}`,
  }));
  const verdict = judge(sites);
  expect(verdict.outcome === "PolicyNotEnforced" && verdict.message).toMatch(
    /on node node-11; and 18 more$/,
  );
});

const outcomes: readonly Outcome[] = ["connected", "refused", "silent", "failed EHOSTUNREACH"];
const anyObservation = (of: Observation): fc.Arbitrary<Observation> =>
  fc.record({
    direction: fc.constant(of.direction),
    endpoint: fc.constant(of.endpoint),
    seen: fc.oneof(
      { weight: 4, arbitrary: fc.constant(of.seen) },
      fc.constant(undefined),
      fc.record({
        outcome: fc.constantFrom(...outcomes),
        held: fc.constantFrom(0, short, holdSeconds, 3600),
        endpoint: fc.constantFrom(of.endpoint, elsewhere, undefined),
      }),
    ),
  });
const anySite: fc.Arbitrary<SiteObservations> = fc.record({
  node: fc.constantFrom("node-1", "node-2"),
  reference: fc.subarray([reached]).chain((some) => fc.tuple(...some.map(anyObservation))),
  observed: fc
    .subarray([blocked, dnsBlocked, dnsReached, control])
    .chain((some) => fc.tuple(...some.map(anyObservation))),
});

/** Said another way than in the code: a site is proved by positive evidence for each of its claims. */
function isProved({ reference, observed }: SiteObservations): boolean {
  const held = ({ seen }: Observation) => seen !== undefined && seen.held >= 30;
  const got = ({ seen }: Observation) =>
    seen?.outcome === "connected" || seen?.outcome === "refused";
  const forbidden = observed.filter((each) => each.direction.purpose === "forbidden");
  const all = [...reference, ...observed];
  return (
    forbidden.length > 0 &&
    forbidden.every(
      (each) =>
        each.seen?.outcome === "silent" &&
        held(each) &&
        all.some(
          (other) =>
            other.direction.purpose === "reference" &&
            got(other) &&
            other.seen?.endpoint !== undefined &&
            JSON.stringify(other.seen.endpoint) === JSON.stringify(each.seen?.endpoint),
        ),
    ) &&
    observed.some((each) => each.direction.purpose === "allowed" && held(each) && got(each))
  );
}

test("no set of observations is taken for proof unless every claim in it is shown", () => {
  const counts = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(anySite, { maxLength: 3 }), (sites) => {
      const { outcome } = judge(sites);
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
      expect(outcome === "Verified").toBe(sites.length > 0 && sites.every(isProved));
    }),
    { numRuns: 3_000 },
  );
  expect(counts.size).toBe(3);
});

test("a report is taken attempt by attempt, and none for a host that the pod did not find", () => {
  const dns: Endpoint = { ...dnsEndpoint, host: "dns" };
  const tried = [
    { direction: blocked.direction, endpoint },
    { direction: dnsBlocked.direction, endpoint: dns },
  ];
  const report: Report = {
    version: 1,
    hosts: {},
    results: [
      ["silent", 41],
      ["silent", 42],
    ],
  };
  expect(observe(tried, report).map(({ seen }) => seen)).toEqual([
    { outcome: "silent", held: 41, endpoint },
    { outcome: "silent", held: 42, endpoint: undefined },
  ]);
  expect(observe(tried, undefined).map(({ seen }) => seen)).toEqual([undefined, undefined]);
  const hosts = { dns: "10.96.0.10" };
  expect(observe(tried, { ...report, hosts })[1]?.seen?.endpoint).toEqual(dnsEndpoint);
});
