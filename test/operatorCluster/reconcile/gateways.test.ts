import { writeFile } from "node:fs/promises";
import { beforeEach, expect, test } from "vitest";
import { bootClock } from "../../../operator/boot.ts";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { startTestGateway, type TestGateway } from "../../gateway/helpers/gateway.ts";
import { eventually } from "../../helpers/eventually.ts";
import { makeFolder } from "../../helpers/folder.ts";
import { smallest } from "../helpers/bridge.ts";
import {
  addressOf,
  configWith,
  pushSigned,
  runGatewayPod,
  storedRing,
} from "../helpers/gateway.ts";
import { startTestOperator } from "../helpers/operator.ts";
import { newScene, type Scene, settleBridge } from "../helpers/scene.ts";

let scene: Scene;

beforeEach(async () => {
  scene = await newScene(await sharedControlPlane(), "gateways");
});

test("bytes at a gateway make the bridge ready, and a gateway that is gone does not unmake it", async () => {
  await using folder = await makeFolder();
  const file = folder.at("ring.json");
  let gateway: TestGateway | undefined;
  await using _ = await startTestOperator(scene.cluster, [scene.namespace], {
    gatewayAddress: () => (gateway ? addressOf(gateway) : { host: "127.0.0.1", port: 1 }),
  });
  await scene.applyBridge("lab", smallest);
  await settleBridge(scene, "lab");
  await scene.reasonIs("lab", "Ready", "NoBytesYet");
  const { text, ring } = await storedRing(scene);
  await writeFile(file, text, { mode: 0o600 });
  gateway = await startTestGateway(configWith(file));
  await using started = gateway;
  await runGatewayPod(scene, "lab-gateway-a");
  await eventually(async () => {
    const flowing = await scene.conditionOf("lab", "EntropyFlowing");
    return flowing?.status === "False" && flowing.reason === "NeverFlowed";
  });
  // A collector whose clock is ahead: a single packet of old could say so, two in a row do.
  expect(await pushSigned(started, ring, 300)).toBe(410);
  expect(await pushSigned(started, ring, 300)).toBe(410);
  const skewed = await scene.reasonIs("lab", "EntropyFlowing", "ClockSkew");
  expect(skewed).toMatch(/clock is (299|300) seconds ahead of that of lab-gateway-a/);
  expect((await scene.conditionOf("lab", "Ready"))?.reason).toBe("NoBytesYet");
  expect(await pushSigned(started, ring)).toBe(200);
  await scene.reasonIs("lab", "EntropyFlowing", "Flowing");
  await scene.kubectl("wait", "--for=condition=Ready", "--timeout=10s", "qrngbridge/lab");
  await started.stop();
  await scene.reasonIs("lab", "EntropyFlowing", "ManagementUnreachable");
  expect((await scene.conditionOf("lab", "Ready"))?.status).toBe("True");
});

test("a new key signs once every gateway reports it, and not before", async () => {
  await using folder = await makeFolder();
  const file = folder.at("ring.json");
  let gateway: TestGateway | undefined;
  let ahead = 0;
  const clock = await bootClock();
  await using _ = await startTestOperator(scene.cluster, [scene.namespace], {
    gatewayAddress: () => (gateway ? addressOf(gateway) : { host: "127.0.0.1", port: 1 }),
    moment: () => ({ ...clock(), seconds: clock().seconds + ahead }),
  });
  const signing = {
    propagationSeconds: 60,
    overlapSeconds: 180,
    secretRef: { name: "hmac", key: "k" },
  };
  const give = (key: string) =>
    scene.apply({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "hmac", labels: { "qrngbridge.io/bridge": "lab" } },
      stringData: { k: key.repeat(32) },
    });
  await give("11");
  await scene.applyBridge("lab", { ...smallest, signing });
  await settleBridge(scene, "lab");
  const first = await storedRing(scene);
  await writeFile(file, first.text, { mode: 0o600 });
  gateway = await startTestGateway(configWith(file));
  await using started = gateway;
  await runGatewayPod(scene, "lab-gateway-a");

  await give("22");
  ahead += 61; // propagationSeconds are over
  await scene.kubectl("annotate", "qrngbridge", "lab", "example.com/look=1");
  const message = await scene.reasonIs("lab", "SigningKeyCurrent", "WaitingForGateways");
  expect(message).toContain("missing: lab-gateway-a");
  expect((await storedRing(scene)).ring.signing).toBe(first.ring.signing);

  const published = await storedRing(scene);
  await writeFile(file, published.text, { mode: 0o600 }); // as the kubelet does
  await scene.reasonIs("lab", "SigningKeyCurrent", "Publishing");
  expect((await storedRing(scene)).ring.signing).toBe(first.ring.signing);
  ahead += 63; // no clock can matter any more
  await scene.kubectl("annotate", "qrngbridge", "lab", "example.com/look=2", "--overwrite");
  await scene.reasonIs("lab", "SigningKeyCurrent", "Overlapping");
  const last = await storedRing(scene);
  expect(last.ring.signing).toBe(
    published.ring.keys.find(({ key }) => key === "22".repeat(32))?.id,
  );
  expect(await pushSigned(started, last.ring)).toBe(200);
  const reasons = (await scene.events()).map(({ reason }) => reason);
  expect(reasons).toContain("KeySwitched");
});
