import { expect, test } from "vitest";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { smallest } from "../helpers/bridge.ts";
import { startTestOperator } from "../helpers/operator.ts";
import { newScene, secretData, settleBridge } from "../helpers/scene.ts";

test("the smallest bridge gets all that it owns, each in one write, and a status", async () => {
  const scene = await newScene(await sharedControlPlane(), "smallest");
  await using operator = await startTestOperator(scene.cluster, [scene.namespace]);
  await scene.applyBridge("lab", smallest);
  await scene.reasonIs("lab", "Reconciling", "RollingOut");
  const owned = await scene.owned("lab");
  expect([...owned.keys()].sort()).toMatchInlineSnapshot(`
    [
      "ConfigMap lab-ca",
      "ConfigMap lab-collector-config",
      "ConfigMap lab-collector-trust",
      "ConfigMap lab-dashboard",
      "ConfigMap lab-gateway-config",
      "Deployment lab-collector",
      "Deployment lab-gateway",
      "NetworkPolicy lab-collector",
      "NetworkPolicy lab-gateway",
      "PodDisruptionBudget lab-gateway",
      "Secret lab-api-keys",
      "Secret lab-collector-authority",
      "Secret lab-collector-tls",
      "Secret lab-gateway-authority",
      "Secret lab-gateway-tls",
      "Secret lab-key-hashes",
      "Secret lab-signing",
      "Service lab-collector",
      "Service lab-gateway",
      "Service lab-management",
      "Service lab-push",
      "ServiceAccount lab-collector",
      "ServiceAccount lab-gateway",
    ]
  `);
  const bridge = await scene.get("qrngbridge", "lab");
  for (const { metadata } of owned.values()) {
    expect(metadata.ownerReferences).toMatchObject([{ uid: bridge?.metadata.uid }]);
  }
  expect(await operator.writes()).toHaveLength(owned.size + 1);
  // What the watches tell of its own writes asks for no other.
  expect(await operator.metric("controller_runtime_reconcile_total")).toBe(1);

  await settleBridge(scene, "lab");
  const settled = await scene.get("qrngbridge", "lab");
  const conditions = settled?.status?.conditions?.map(
    ({ type, status, reason }) => `${type} ${status} ${reason}`,
  );
  expect(conditions).toEqual([
    "Ready False NoBytesYet",
    "Reconciling False UpToDate",
    "Stalled False NotStalled",
    "EntropyFlowing Unknown NeverFlowed",
    "OneWayVerified Unknown NotRun",
    "CertificatesValid True Valid",
    "SigningKeyCurrent True Current",
    "Monitored False KindMissing",
  ]);
  const ring = JSON.parse((await secretData(scene, "lab-signing"))["ring.json"] ?? "{}") as {
    signing: string;
  };
  expect(settled?.status).toMatchObject({
    observedGeneration: 1,
    endpoints: {
      api: `https://lab-gateway.${scene.namespace}:7764`,
      apiKeysSecret: "lab-api-keys",
      caConfigMap: "lab-ca",
    },
    replicas: 2,
    readyReplicas: 2,
    selector: "qrngbridge.io/bridge=lab,qrngbridge.io/zone=gateway,qrngbridge.io/serving=true",
    signing: { keyId: ring.signing },
  });
});
