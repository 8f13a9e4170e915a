import * as certManager from "@kubernetes-models/cert-manager/cert-manager.io/v1";
import * as prometheus from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";
import { describe, expect, test } from "vitest";
import type { BridgeInput } from "../../../operator/bridge/schema.ts";
import { buildAll } from "../../../operator/build/buildAll.ts";
import { serverIdentity } from "../../../operator/build/certificates.ts";
import { servingSelector } from "../../../operator/build/metadata.ts";
import * as names from "../../../operator/build/names.ts";
import type { PrometheusRule } from "../../../operator/build/prometheusRule.ts";
import { allOffered, makeFacts, objectsOf } from "./facts.ts";
import { type BuiltService, nameOf, ofKind } from "./references.ts";
import { goldenNames, goldenSpecs } from "./specs.ts";

type SpecInput = BridgeInput["spec"];
const { smallest, full } = goldenSpecs;

function refusal(spec: SpecInput, options?: Parameters<typeof makeFacts>[1]): string[] {
  const built = buildAll(makeFacts(spec, options));
  return "problems" in built ? built.problems.map(({ code, message }) => `${code} ${message}`) : [];
}

describe("what is refused, with what to do", () => {
  const egress =
    "a host name needs egress.to, the addresses or pods that it stands for; or give an address";
  // The API server's rule takes this host for an address; it is none.
  const redis = { url: "rediss://192.0.2.999" };

  test.each<[string, SpecInput, string[]]>([
    [
      "a host name that egress does not explain",
      { ...smallest, gateway: { redis } },
      [`ERR_EGRESS_UNKNOWN gateway.redis: ${egress}`],
    ],
  ])("%s", (_, spec, expected) => {
    expect(refusal(spec)).toEqual(expected);
  });

  test("an issuer where cert-manager is not", () => {
    const offered = { ...allOffered, certificate: false };
    expect(refusal(full, { offered })).toEqual([
      "ERR_CERT_MANAGER_MISSING tls.issuerRef: this cluster has no Certificate of cert-manager.io/v1; install cert-manager, or leave issuerRef out",
    ]);
    expect(refusal(smallest, { offered })).toEqual([]);
  });
});

test("of monitoring, only what the cluster offers and the bridge wants", () => {
  const kinds = (spec: SpecInput, offered = allOffered) =>
    objectsOf(makeFacts(spec, { offered }))
      .filter(({ metadata }) => metadata.labels["app.kubernetes.io/component"] === "monitoring")
      .map(({ kind }) => kind);
  expect(kinds(smallest)).toEqual(["ServiceMonitor", "PrometheusRule", "ConfigMap"]);
  const none = { certificate: false, serviceMonitor: false, prometheusRule: false };
  expect(kinds(smallest, none)).toEqual(["ConfigMap"]);
  const off = { enabled: false };
  const monitoring = { serviceMonitor: off, prometheusRule: off, dashboard: off };
  expect(kinds({ ...smallest, monitoring })).toEqual([]);
});

test.each(goldenNames)("others' kinds of %s fit their definitions", (name) => {
  const objects = objectsOf(makeFacts(goldenSpecs[name]));
  const models = { ...certManager, ...prometheus };
  const kinds = ["Certificate", "ServiceMonitor", "PrometheusRule"] as const;
  const found = kinds.flatMap((kind) =>
    ofKind(objects, kind).map((object) => [kind, object] as const),
  );
  for (const [kind, object] of found) new models[kind](object as never).validate();
  expect(found.length).toBe(name === "full" ? 4 : 2);
});

test("alerts are of what the topology has", () => {
  const alerts = (spec: SpecInput) =>
    ofKind<PrometheusRule>(objectsOf(makeFacts(spec)), "PrometheusRule")
      .flatMap(({ spec: { groups } }) => groups.flatMap(({ rules }) => rules))
      .map(({ alert }) => alert);
  const serving = ["QrngNoBytes", "QrngBufferLow", "QrngStale", "QrngQualityAlarm"];
  const intake = ["QrngReplayedPushes", "QrngForgedPushes", "QrngClockSkew"];
  const sources = ["QrngSourceDown", "QrngSourceQuarantined", "QrngSourceFailed"];
  const [pushes, keys, certificates] = [
    "QrngPushesFail",
    "QrngRotationOverdue",
    "QrngCertificateExpiring",
  ];
  const upkeep = [keys, certificates];
  expect(alerts(smallest)).toEqual([...serving, ...intake, ...sources, pushes, ...upkeep]);
  expect(alerts(goldenSpecs["collector-only"])).toEqual([...sources, pushes, ...upkeep]);
  expect(alerts(goldenSpecs["gateway-only"])).toEqual([...serving, ...intake, ...upkeep]);
  expect(alerts(goldenSpecs.direct)).toEqual([...serving, ...sources, certificates]);
  expect(alerts(full)).toEqual(
    [serving, intake, sources, "QrngMixWaits", pushes, upkeep, "QrngNotScraped"].flat(),
  );
  expect(alerts(goldenSpecs.suspended)).toEqual([]);
});

test("pods wait for CAs that an issuer has yet to say", () => {
  const objects = objectsOf(makeFacts(full, { trust: {} })).map(nameOf);
  expect(objects).not.toContain("ConfigMap lab-ca");
  expect(objects).not.toContain("ConfigMap lab-collector-trust");
});

test("a certificate for gateways elsewhere has the address that the collector connects to", () => {
  const withAudience = (audience: string) => {
    const spec: SpecInput = structuredClone(goldenSpecs["gateway-only"]);
    spec.gateway!.push!.audience = audience;
    const { dnsNames, ipAddresses } = serverIdentity(makeFacts(spec));
    return { last: dnsNames.at(-1), ipAddresses };
  };
  const last = "lab-push.physics.svc.cluster.local";
  expect(withAudience("198.51.100.7:7765")).toEqual({ last, ipAddresses: ["198.51.100.7"] });
  expect(withAudience("[2001:db8::7]:7765")).toEqual({ last, ipAddresses: ["2001:db8::7"] });
  expect(withAudience("qrng.example:443")).toEqual({ last: "qrng.example", ipAddresses: [] });
});

test("names of two bridges never meet", () => {
  const suffixes = Object.values(names).flatMap((named) => {
    const name = named as (bridge: names.Named) => unknown;
    const given = name({ metadata: { name: "x", namespace: "y" }, spec: { sources: [] } } as never);
    return typeof given === "string" && /^x-[a-z-]+$/.test(given) ? [given.slice(1)] : [];
  });
  expect(suffixes.length).toBeGreaterThan(10);
  for (const one of suffixes) {
    expect(one.length).toBeLessThanOrEqual(63 - 40);
    const within = suffixes.filter((other) => other !== one && other.endsWith(one));
    expect(within, `a bridge's "${one}" could be another's`).toEqual([]);
  }
});

test("the scale's selector is the Services'", () => {
  const facts = makeFacts(smallest);
  const [service] = ofKind<BuiltService>(objectsOf(facts), "Service");
  const pairs = servingSelector(facts)
    .split(",")
    .map((pair) => pair.split("="));
  expect(Object.fromEntries(pairs)).toEqual(service!.spec!.selector);
});
