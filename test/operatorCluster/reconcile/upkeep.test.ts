import { X509Certificate } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { beforeEach, expect, test } from "vitest";
import { type Scheduler, systemScheduler } from "../../../common/scheduler.ts";
import { bootClock } from "../../../operator/boot.ts";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { startTestGateway, type TestGateway } from "../../gateway/helpers/gateway.ts";
import { eventually } from "../../helpers/eventually.ts";
import { makeFolder } from "../../helpers/folder.ts";
import { smallest, type Spec } from "../helpers/bridge.ts";
import {
  addressOf,
  configWith,
  pushSigned,
  runGatewayPod,
  storedRing,
} from "../helpers/gateway.ts";
import { operatorKubeConfig, startTestOperator } from "../helpers/operator.ts";
import { newScene, type Scene, secretData } from "../helpers/scene.ts";

// What is due after hours, months and years. Each step is another operator's, which starts, looks
// once, and stops: nothing of it may hang on what a process remembers.

let scene: Scene;
let kubeconfig: string;
let clock: Awaited<ReturnType<typeof bootClock>>;
/** Seconds. */
let ahead: number;
let gateway: TestGateway | undefined;

beforeEach(async () => {
  scene = await newScene(await sharedControlPlane(), "upkeep");
  kubeconfig = await operatorKubeConfig(scene.cluster, [scene.namespace]);
  clock = await bootClock();
  ahead = 0;
  gateway = undefined;
});

/** The system's time, but for dates. */
const aheadScheduler: Scheduler = {
  ...systemScheduler,
  wall: () => systemScheduler.wall() + BigInt(ahead) * 1_000_000_000n,
};

async function lookAfter(seconds: number): Promise<void> {
  ahead += seconds;
  await using operator = await startTestOperator(scene.cluster, [scene.namespace], {
    kubeconfig,
    scheduler: aheadScheduler,
    moment: () => ({ ...clock(), seconds: clock().seconds + ahead }),
    gatewayAddress: () => (gateway ? addressOf(gateway) : { host: "127.0.0.1", port: 1 }),
  });
  await operator.reconciled(1);
}

async function reasonOf(type: string): Promise<string | undefined> {
  return (await scene.conditionOf("lab", type))?.reason;
}

async function expectTold(...reasons: string[]): Promise<void> {
  const told = (await scene.events()).map(({ reason }) => reason);
  expect(told).toEqual(expect.arrayContaining(reasons));
}

const timing = { propagationSeconds: 60, overlapSeconds: 180 };

test("a key is followed by another when it is due, and one that is revoked by another at once", async () => {
  await using folder = await makeFolder();
  const file = folder.at("ring.json");
  const spec: Spec = { ...smallest, signing: { ...timing, rotationSeconds: 3720 } };
  await scene.applyBridge("lab", spec);
  await lookAfter(0);
  const first = await storedRing(scene);
  await writeFile(file, first.text, { mode: 0o600 });
  gateway = await startTestGateway(configWith(file));
  await using started = gateway;
  await runGatewayPod(scene, "lab-gateway-a");
  await lookAfter(3600);
  expect((await storedRing(scene)).ring).toEqual(first.ring);

  await lookAfter(121);
  const both = await storedRing(scene);
  expect(both.ring.keys).toEqual([...first.ring.keys, expect.anything()]);
  expect(both.ring.signing).toBe(first.ring.signing);
  await lookAfter(61); // propagationSeconds are over, and the gateway has not read it
  expect(await reasonOf("SigningKeyCurrent")).toBe("WaitingForGateways");
  /** As the kubelet does. */
  const bring = async (): Promise<void> => {
    const { text, ring } = await storedRing(scene);
    await writeFile(file, text, { mode: 0o600 });
    const ids = ring.keys.map(({ id }) => id).toSorted();
    await eventually(async () => {
      const answer = await fetch(`${started.management}/state`);
      const { key_ids } = (await answer.json()) as { key_ids: string[] };
      return JSON.stringify(key_ids.toSorted()) === JSON.stringify(ids);
    }, 60_000);
  };
  await bring();
  await lookAfter(0);
  expect(await reasonOf("SigningKeyCurrent")).toBe("Publishing");
  await lookAfter(63); // no clock can matter any more
  const switched = await storedRing(scene);
  expect(switched.ring.signing).toBe(both.ring.keys[1]?.id);
  expect(switched.ring.keys).toHaveLength(2);
  expect(await pushSigned(started, switched.ring)).toBe(200);
  expect(await pushSigned(started, first.ring)).toBe(200);
  await lookAfter(181); // overlapSeconds
  const last = await storedRing(scene);
  expect(last.ring.keys).toEqual([both.ring.keys[1]]);
  expect(await reasonOf("SigningKeyCurrent")).toBe("Current");

  const revokedKeyIds = [last.ring.signing];
  await scene.applyBridge("lab", { ...spec, signing: { ...spec.signing, revokedKeyIds } });
  await lookAfter(0);
  const { ring } = await storedRing(scene);
  expect(ring.keys).toHaveLength(1);
  expect(ring.keys).not.toEqual(last.ring.keys);
  await bring();
  expect(await pushSigned(started, last.ring)).toBe(401);
  await expectTold("KeyPublished", "KeySwitched", "KeyRetired", "KeyRevoked");
});

const day = 86_400;

/** What the two programs show, and what the other trusts. */
const sides = [
  { leaf: "lab-gateway-tls", bundle: "lab-ca" },
  { leaf: "lab-collector-tls", bundle: "lab-collector-trust" },
] as const;

interface Side {
  readonly leaf: X509Certificate;
  readonly trusted: readonly X509Certificate[];
}

async function readSide({ leaf, bundle }: (typeof sides)[number]): Promise<Side> {
  const { "tls.crt": pem = "" } = await secretData(scene, leaf);
  const text = (await scene.get("configmap", bundle))?.data?.["ca.crt"] ?? "";
  const blocks = text.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? [];
  return {
    leaf: new X509Certificate(pem),
    trusted: blocks.map((block) => new X509Certificate(block)),
  };
}

const readSides = (): Promise<Side[]> => Promise.all(sides.map(readSide));

/** Which of the trusted signed a leaf; undefined for none. */
function signerOf(leaf: X509Certificate, trusted: Side["trusted"]): string | undefined {
  return trusted.find(({ publicKey }) => leaf.verify(publicKey))?.serialNumber;
}

async function generations(): Promise<(number | undefined)[]> {
  const names = ["lab-gateway", "lab-collector"];
  const found = await Promise.all(names.map((name) => scene.get("deployment", name)));
  return found.map((deployment) => deployment?.metadata.generation);
}

test("a certificate is renewed at two thirds of its life by the same CA, and no pod rolls for that", async () => {
  await scene.applyBridge("lab", smallest);
  await lookAfter(0);
  const [before, rolled] = [await readSides(), await generations()];
  const serials = (read: readonly Side[]): string[] => read.map(({ leaf }) => leaf.serialNumber);
  await lookAfter(60 * day - 3600);
  expect(serials(await readSides())).toEqual(serials(before));
  await lookAfter(3601);
  const after = await readSides();
  for (const [index, { leaf, trusted }] of after.entries()) {
    expect(leaf.serialNumber).not.toBe(before[index]?.leaf.serialNumber);
    expect(leaf.validToDate.getTime()).toBeGreaterThan(Date.now() + 149 * day * 1000);
    expect(trusted).toHaveLength(1);
    expect(signerOf(leaf, trusted)).toBe(before[index]?.trusted[0]?.serialNumber);
  }
  expect(await generations()).toEqual(rolled);
  await expectTold("CertificateIssued");
});

test("a CA is followed by another, and who reads late trusts and shows what the others do", async () => {
  await scene.applyBridge("lab", { ...smallest, signing: timing });
  await lookAfter(0);
  const rolled = await generations();
  const first = (await readSides()).map(({ trusted }) => trusted[0]?.serialNumber);
  await lookAfter(600 * day + 1 - timing.propagationSeconds);
  const looks = [await readSides()];
  // Two looks are as long as a program may take to read what has changed.
  for (let n = 0; n < 12; n++) {
    await lookAfter(timing.propagationSeconds / 2);
    looks.push(await readSides());
  }
  for (const [n, now] of looks.entries()) {
    const late = looks[Math.max(0, n - 2)] ?? now;
    for (const side of sides.keys()) {
      for (const [shown, trusted] of [
        [now, now],
        [now, late],
        [late, now],
      ] as const) {
        const signer = signerOf(shown[side]!.leaf, trusted[side]!.trusted);
        expect(signer, `look ${n}`).toBeDefined();
      }
    }
  }
  const steps = sides.map((_, side) => {
    const texts = looks.map((look) => {
      const { leaf, trusted } = look[side]!;
      const signer = signerOf(leaf, trusted) === first[side] ? "the first" : "the second";
      return `${trusted.length} trusted, ${signer} signs`;
    });
    return [...new Set(texts)];
  });
  const expected = [
    "1 trusted, the first signs",
    "2 trusted, the first signs",
    "2 trusted, the second signs",
    "1 trusted, the second signs",
  ];
  expect(steps).toEqual([expected, expected]);
  expect(await generations()).toEqual(rolled);
  await expectTold("AuthorityPublished", "AuthoritySwitched", "AuthorityRetired");
});
