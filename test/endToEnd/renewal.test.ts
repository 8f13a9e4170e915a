import { describe, expect, test } from "vitest";
import { makeAuthority } from "../helpers/certificates.ts";
import { eventually } from "../helpers/eventually.ts";
import { type CounterAppliance, startCounterAppliance } from "./helpers/counterAppliance.ts";
import { exchange } from "./helpers/exchange.ts";
import { heldBytes, launch, type Program, totalOf, valueOf } from "./helpers/program.ts";
import {
  apiKey,
  collectorIdentity,
  replaceFile,
  startTlsRig,
  type TlsRig,
  writeIdentity,
} from "./helpers/tlsRig.ts";

// Keys and certificates that are renewed while real processes push over mutual TLS.

/** A bound for a broken program. */
const timeout = 180_000;

interface Flow extends AsyncDisposable {
  readonly rig: TlsRig;
  readonly appliance: CounterAppliance;
  readonly collector: Program;
}

async function startFlow(push: object = {}): Promise<Flow> {
  const rig = await startTlsRig();
  const appliance = await startCounterAppliance();
  const config = await rig.collectorConfig({ url: appliance.url(1), ca: appliance.ca }, push);
  const collector = await launch("collector", config, rig);
  return {
    rig,
    appliance,
    collector,
    [Symbol.asyncDispose]: async () => {
      await collector[Symbol.asyncDispose]();
      await appliance[Symbol.asyncDispose]();
      await rig[Symbol.asyncDispose]();
    },
  };
}

/** Resolves when the gateway has taken some more packets. */
async function flows({ rig }: Flow): Promise<void> {
  const before = await rig.received();
  await eventually(async () => (await rig.received()) > before + 4096);
}

/** Changes files and waits until the program has read them. */
async function reloads(program: Program, change: () => Promise<void>): Promise<void> {
  const count = (): number => program.output().split('"reloaded"').length;
  const before = count();
  await change();
  await eventually(() => count() > before);
}

/** Every block that the appliance gave is drawn once: nothing was lost, nothing came twice. */
async function expectWhole({ rig, appliance, collector }: Flow): Promise<void> {
  appliance.runDry();
  const metrics = await eventually(async () => {
    const now = await collector.metrics();
    return heldBytes(now) === 0 && now;
  }, 60_000);
  expect(totalOf(metrics, "qrng_collector_lost_bytes_total")).toBe(0);
  const bytes = await rig.received();
  expect(bytes).toBe(valueOf(metrics, "qrng_collector_delivered_bytes_total"));
  const { status, body } = await exchange({
    url: `https://${rig.gateway.address("api")}/api/random?bytes=${bytes}&encoding=binary`,
    headers: { authorization: `Bearer ${apiKey}` },
    ca: rig.gateways.certificate,
  });
  expect(status).toBe(200);
  const given = appliance.given.flatMap(({ first, count }) =>
    Array.from({ length: count }, (_, index) => first + index),
  );
  expect(appliance.cipher.numbersOf(body).toSorted((a, b) => a - b)).toEqual(given);
}

const refusals = (program: Program): Record<string, unknown>[] =>
  program
    .output()
    .split("\n")
    .filter((line) => line.includes("gateway refuses packets"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe.concurrent("while bytes flow", { timeout }, () => {
  test("a key that the gateway does not know is named once; when it knows it, all is well", async () => {
    // What is refused is signed anew as soon as its window is over.
    await using flow = await startFlow({ window: "3s", clock_skew: 0 });
    const { rig, collector } = flow;
    await flows(flow);
    await reloads(collector, () => rig.writeRing("collector", ["second", "first"]));
    const refused = 'qrng_collector_pushes_total{outcome="refused"}';
    await eventually(async () => valueOf(await collector.metrics(), refused) >= 5);
    expect(refusals(collector)).toMatchObject([
      { level: "warn", keyId: "second", instance: rig.gateway.address("push") },
    ]);
    await rig.writeRing("gateway", ["first", "second"]);
    await flows(flow);
    expect(refusals(collector).length).toBe(1);
    await expectWhole(flow);
  });

  test("a key that is not used after all heals it too", async () => {
    await using flow = await startFlow({ window: "3s", clock_skew: 0 });
    const { rig, collector } = flow;
    await rig.writeRing("collector", ["second"]);
    await eventually(() => refusals(collector).length === 1);
    await rig.writeRing("collector", ["first"]);
    await flows(flow);
    await expectWhole(flow);
  });

  test("a key is switched: published, signed with, and the old one retired", async () => {
    await using flow = await startFlow();
    const { rig, collector } = flow;
    await reloads(rig.gateway, () => rig.writeRing("gateway", ["first", "second"]));
    await flows(flow);
    await reloads(collector, () => rig.writeRing("collector", ["second", "first"]));
    await flows(flow);
    await reloads(rig.gateway, () => rig.writeRing("gateway", ["second"]));
    await flows(flow);
    expect(refusals(collector)).toEqual([]);
    await expectWhole(flow);
  });

  test("the collector's certificate is renewed, then its CA with both trusted meanwhile", async () => {
    await using flow = await startFlow();
    const { rig, collector } = flow;
    const renew = async (authority: TlsRig["collectors"]): Promise<void> =>
      writeIdentity(rig.folder, "collector", await authority.issue(collectorIdentity()));
    const trust = (...authorities: TlsRig["collectors"][]): Promise<void> =>
      replaceFile(
        rig.folder,
        "collectors-ca.pem",
        authorities.map(({ certificate }) => certificate).join("\n"),
      );
    await flows(flow);
    await reloads(collector, () => renew(rig.collectors));
    await flows(flow);
    const next = await makeAuthority("collectors' next CA");
    await reloads(rig.gateway, () => trust(rig.collectors, next));
    await flows(flow);
    await reloads(collector, () => renew(next));
    await flows(flow);
    await reloads(rig.gateway, () => trust(next));
    await flows(flow);
    await expectWhole(flow);
  });

  test("the gateway's CA is replaced with both trusted meanwhile", async () => {
    await using flow = await startFlow();
    const { rig, collector } = flow;
    const next = await makeAuthority("gateways' next CA");
    const trust = (...authorities: TlsRig["gateways"][]): Promise<void> =>
      replaceFile(
        rig.folder,
        "gateways-ca.pem",
        authorities.map(({ certificate }) => certificate).join("\n"),
      );
    await reloads(collector, () => trust(rig.gateways, next));
    await flows(flow);
    await reloads(rig.gateway, async () => writeIdentity(rig.folder, "push", await next.issue()));
    await flows(flow);
    await reloads(collector, () => trust(next));
    await flows(flow);
    await expectWhole(flow);
  });
});
