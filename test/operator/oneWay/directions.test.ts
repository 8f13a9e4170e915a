import fc from "fast-check";
import { expect, test } from "vitest";
import type { BridgeInput } from "../../../operator/bridge/schema.ts";
import { buildCollectorPolicy, buildGatewayPolicy } from "../../../operator/build/networkPolicy.ts";
import {
  describeDirection,
  type Direction,
  directionsOf,
  listenedPorts,
  type Place,
  placeLabels,
  type Purpose,
  zonesOf,
} from "../../../operator/oneWay/directions.ts";
import { checkLabels } from "../../../operator/oneWay/pods.ts";
import { storedBridge } from "../../../operator/bridge/schema.ts";
import { anySpec } from "../build/anyBridge.ts";
import { makeFacts, settings } from "../build/facts.ts";
import { goldenSpecs } from "../build/specs.ts";
import { isAllowed, type Party, type Pod, type World } from "../network/evaluator.ts";

type SpecInput = BridgeInput["spec"];

const addresses = { gateway: ["10.0.0.1"], collector: ["10.0.0.2"], outside: ["10.0.0.3"] };

function planOf(spec: SpecInput) {
  const facts = makeFacts(spec);
  const policies = zonesOf(facts.bridge.spec).map((zone) =>
    zone === "collector" ? buildCollectorPolicy(facts) : buildGatewayPolicy(facts),
  );
  const others = checkLabels(facts, "0badcafe", "outside");
  const directions = directionsOf({ facts, policies, addresses }, others);
  return { facts, policies, others, directions };
}

const texts = (spec: SpecInput, purpose: Purpose): string[] =>
  planOf(spec)
    .directions.filter((direction) => direction.purpose === purpose)
    .map(describeDirection);

const both = (text: string): string[] => [`${text} TCP`, `${text} UDP`];

test("of the smallest bridge every forbidden direction is tried, and no other", () => {
  expect(texts(goldenSpecs.smallest, "forbidden").sort()).toEqual(
    [
      ...both("gateway → collector 9465"),
      ...both("gateway → collector 19464"),
      ...["7764", "7765", "9464", "19464"].flatMap((port) => both(`gateway → gateway ${port}`)),
      ...both("gateway → other pod 19464"),
      ...both("gateway → DNS 53"),
      "gateway → API server 443 TCP",
      ...["7764", "9464", "19464"].flatMap((port) => both(`collector → gateway ${port}`)),
      "collector → gateway 7765 UDP",
      ...both("collector → collector 9465"),
      ...both("collector → collector 19464"),
      ...both("collector → other pod 19464"),
      "collector → API server 443 TCP",
      ...both("other pod → collector 9465"),
      ...both("other pod → collector 19464"),
      "other pod → gateway 7764 UDP",
      ...both("other pod → gateway 7765"),
      ...both("other pod → gateway 9464"),
      ...both("other pod → gateway 19464"),
    ].sort(),
  );
  expect(texts(goldenSpecs.smallest, "allowed")).toEqual(["collector → gateway 7765 TCP"]);
  expect(texts(goldenSpecs.smallest, "reference")).toEqual([
    ...both("other pod → other pod 19464"),
    ...both("other pod → DNS 53"),
    "other pod → API server 443 TCP",
  ]);
});

test("what the spec opens is not said to be forbidden", () => {
  const all = texts(goldenSpecs.full, "forbidden");
  expect(all).not.toContain("gateway → DNS 53 UDP"); // Redis has a name
  expect(all).toContain("other pod → collector 9465 TCP"); // another namespace scrapes
  const scraped = { ...goldenSpecs.smallest, monitoring: { scrapeFrom: [{ podSelector: {} }] } };
  expect(texts(scraped, "forbidden")).not.toContain("other pod → collector 9465 TCP");
  expect(texts(scraped, "forbidden")).toContain("other pod → collector 9465 UDP");
  const wide = { ipBlock: { cidr: "10.0.0.0/8" } };
  const lab = goldenSpecs.smallest.sources[0]!;
  const named = { ...lab, url: "https://lab.example", egress: { to: [wide] } };
  const reaching = texts({ sources: [named] }, "forbidden");
  expect(reaching).not.toContain("collector → API server 443 TCP");
});

test("a block that holds addresses of the check's pods may let them in, so it is no claim", () => {
  const pushFrom = (cidr: string): SpecInput => {
    const { gateway, ...rest } = goldenSpecs["gateway-only"];
    return {
      ...rest,
      gateway: { ...gateway, push: { ...gateway.push, from: [{ ipBlock: { cidr } }] } },
    };
  };
  const push = "other pod → gateway 7765 TCP";
  expect(texts(pushFrom("10.0.0.0/8"), "forbidden")).not.toContain(push);
  expect(texts(pushFrom("203.0.113.0/24"), "forbidden")).toContain(push);
});

test("one half of a bridge has a positive control of its own", () => {
  expect(texts(goldenSpecs["collector-only"], "allowed")).toEqual([
    "collector → sources lab 443 TCP",
    "collector → collector.push 7765 TCP",
  ]);
  const { from: _, ...push } = goldenSpecs["gateway-only"].gateway.push;
  const spec: SpecInput = {
    ...goldenSpecs["gateway-only"],
    gateway: { replicas: 1, push: { ...push, from: [{ ipBlock: { cidr: "203.0.113.4/32" } }] } },
  };
  expect(texts(spec, "allowed")).toEqual(["other pod → gateway 7764 TCP"]);
  expect(texts(spec, "forbidden")).toContain("other pod → gateway 7765 TCP");
});

const partyOf = (
  { to }: Direction,
  podAt: (place: Place) => Pod,
): readonly [Party, readonly number[] | undefined] => {
  if ("place" in to) return [podAt(to.place), undefined];
  if (to.host === "api-server") return [{ address: "172.16.0.1" }, [443, 6443]];
  if (to.host !== "dns") return [{ address: to.host }, undefined];
  const pod = { name: "coredns", labels: { "k8s-app": "kube-dns" }, addresses: ["10.1.0.1"] };
  return [{ ...pod, namespace: "kube-system" }, [53, 5353]];
};

/** The same evaluator that docs/network.md is compared with. */
test("whatever is tried as forbidden the policies block, and what is allowed they let pass", () => {
  const tried: Record<Purpose, number> = { forbidden: 0, allowed: 0, reference: 0 };
  fc.assert(
    fc.property(anySpec, fc.boolean(), (spec, ipBlocksMatchPods) => {
      const input = { apiVersion: "qrngbridge.io/v1alpha1", kind: "QrngBridge", spec };
      const metadata = {
        name: "lab",
        namespace: "x",
        uid: "u",
        resourceVersion: "1",
        generation: 1,
      };
      if (spec.topology === "Direct" || !storedBridge.safeParse({ ...input, metadata }).success)
        return;
      const { facts, policies, others, directions } = planOf(spec);
      const podAt = (place: Place): Pod => ({
        name: place,
        namespace: facts.bridge.metadata.namespace,
        labels: placeLabels(facts, place, others),
        addresses: addresses[place],
      });
      const namespaces = { [facts.bridge.metadata.namespace]: {} };
      const world: World = { namespaces, policies, ipBlocksMatchPods };
      for (const direction of directions) {
        const [to, ports = [direction.port]] = partyOf(direction, podAt);
        const from = { ...podAt(direction.from), name: "prober" };
        const passes = ports.some((port) =>
          isAllowed(world, { from, to, protocol: direction.protocol, port }),
        );
        tried[direction.purpose]++;
        expect([describeDirection(direction), passes]).toEqual([
          describeDirection(direction),
          direction.purpose !== "forbidden",
        ]);
      }
    }),
    { numRuns: 500 },
  );
  expect(Math.min(...Object.values(tried))).toBeGreaterThan(100);
});

test("a port that no rule names is listened on, whatever ports a spec opens", () => {
  const lab = goldenSpecs.smallest.sources[0]!;
  const egress = { to: [{ podSelector: {} }], ports: [19_464, 19_465] };
  const { policies } = planOf({ sources: [{ ...lab, egress }] });
  expect(listenedPorts("outside", policies)).toEqual([19_466]);
});

test("pods of the check are what policies select, and nothing else selects them", () => {
  const facts = makeFacts(goldenSpecs.full);
  for (const place of ["collector", "gateway", "outside"] as const) {
    const labels = checkLabels(facts, "0badcafe", place);
    expect(labels["qrngbridge.io/zone"]).toBe(place === "outside" ? undefined : place);
    expect(labels["qrngbridge.io/serving"]).toBeUndefined();
    expect(labels["pod-template-hash"]).toBeUndefined();
    expect(labels["app.kubernetes.io/component"]).toBe("one-way-check");
    expect(labels["team"]).toBe(place === "collector" ? "physics" : undefined); // of the spec's
  }
  expect(settings.labels).toEqual({});
});
