import { Registry } from "prom-client";
import { expect, test } from "vitest";
import type { ApiObject } from "../../../operator/api/object.ts";
import type { BridgeStatus } from "../../../operator/bridge/status.ts";
import { exposeConditions } from "../../../operator/reconcile/conditionMetrics.ts";
import { exposeUpkeep } from "../../../operator/reconcile/upkeepMetrics.ts";

/** The samples of a scrape, of bridges physics/<name> with these statuses. */
async function scrape(statuses: Readonly<Record<string, BridgeStatus>>): Promise<string[]> {
  const bridges = Object.entries(statuses).map(([name, status]): [string, ApiObject] => {
    const metadata = { namespace: "physics", name, uid: name, resourceVersion: "1" };
    return [`physics/${name}`, { apiVersion: "v1", kind: "QrngBridge", metadata, status }];
  });
  const registry = new Registry();
  const informer = { entries: () => new Map(bridges).entries() };
  exposeConditions(registry, informer);
  exposeUpkeep(registry, informer);
  const lines = (await registry.metrics()).split("\n");
  return lines.filter((line) => line.startsWith("qrng_")).sort();
}

function condition(type: string, status: "True" | "False" | "Unknown", reason: string) {
  return { type, status, reason, message: "", lastTransitionTime: "2026-01-01T00:00:00Z" };
}

test("what the status says of keys, certificates and conditions can be scraped", async () => {
  const status = {
    conditions: [
      condition("Stalled", "False", "NotStalled"),
      condition("OneWayVerified", "Unknown", "NotProven"),
      condition("Ready", "True", "Ready"),
    ],
    signing: { keyId: "k-1", nextRotationTime: "1970-01-01T00:01:40Z" },
    certificates: { notAfter: "1970-01-01T00:05:00Z", renewalTime: "1970-01-01T00:03:20Z" },
  };
  const labels = 'namespace="physics",bridge="lab"';
  const samples = await scrape({ lab: status });
  expect(samples.filter((line) => !line.endsWith(" -1"))).toEqual([
    `qrng_operator_bridge_condition{${labels},type="Ready"} 1`,
    `qrng_operator_bridge_condition{${labels},type="Stalled"} 0`,
    `qrng_operator_certificate_expiry_timestamp_seconds{${labels}} 300`,
    `qrng_operator_certificate_renewal_timestamp_seconds{${labels}} 200`,
    `qrng_operator_next_rotation_timestamp_seconds{${labels}} 100`,
    `qrng_operator_rotation_under_way{${labels}} 0`,
  ]);
  expect(samples).toContain(`qrng_operator_bridge_condition{${labels},type="OneWayVerified"} -1`);
});

test("a bridge without keys and zones has no series of them", async () => {
  const conditions = [condition("OneWayVerified", "Unknown", "NotNeeded")];
  const samples = (await scrape({ direct: { conditions } })).join("\n");
  expect(samples).toContain('type="Ready"} -1');
  expect(samples).not.toMatch(/OneWayVerified|rotation|certificate/);
});

test("a rotation is under way while its key does not sign", async () => {
  const samples = await scrape({ lab: { signing: { keyId: "k-1", nextKeyId: "k-2" } } });
  expect(samples.filter((line) => line.includes("rotation"))).toEqual([
    'qrng_operator_rotation_under_way{namespace="physics",bridge="lab"} 1',
  ]);
});
