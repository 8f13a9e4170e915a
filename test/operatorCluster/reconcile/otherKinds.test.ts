import { afterAll, beforeAll, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../../cluster/controlPlane.ts";
import { makeAuthority } from "../../helpers/certificates.ts";
import { eventually } from "../../helpers/eventually.ts";
import { smallest } from "../helpers/bridge.ts";
import { certificateKinds, defineKinds, monitorKinds } from "../helpers/crds.ts";
import { startTestOperator } from "../helpers/operator.ts";
import { newScene, settleBridge } from "../helpers/scene.ts";

/** Of its own, since kinds are the whole cluster's. */
let cluster: ControlPlane;

beforeAll(async () => {
  cluster = await startControlPlane({ audit: true });
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

test("monitors are made when their kinds come, put back, and forgotten when those go", async () => {
  const scene = await newScene(cluster, "monitors");
  await using operator = await startTestOperator(cluster, [scene.namespace]);
  await scene.applyBridge("lab", smallest);
  await settleBridge(scene, "lab");
  await defineKinds(cluster, monitorKinds);
  const monitor = await eventually(() => scene.get("servicemonitor", "lab-management"));
  await eventually(() => scene.get("prometheusrule", "lab-management"));
  const patch = JSON.stringify({ spec: { endpoints: [] } });
  await scene.kubectl(
    "patch",
    "servicemonitor",
    "lab-management",
    "--type=merge",
    "--patch",
    patch,
  );
  await eventually(async () => {
    const now = await scene.get("servicemonitor", "lab-management");
    return JSON.stringify(now?.spec) === JSON.stringify(monitor.spec);
  });
  await scene.applyBridge("lab", {
    ...smallest,
    monitoring: { prometheusRule: { enabled: false } },
  });
  await eventually(async () => (await scene.get("prometheusrule", "lab-management")) === undefined);

  const definitions = monitorKinds.map(({ group, plural }) => `${plural}.${group}`);
  await cluster.kubectl(["delete", "customresourcedefinition", ...definitions]);
  await eventually(() => operator.log.text().includes('"served":false'));
  await scene.applyBridge("lab", { ...smallest, gateway: { replicas: 1 } });
  await settleBridge(scene, "lab");
});

test("with an issuer the bridge waits for cert-manager's Secrets, and trusts what they say", async () => {
  const scene = await newScene(cluster, "issuer");
  await using _ = await startTestOperator(cluster, [scene.namespace]);
  await scene.applyBridge("lab", { ...smallest, tls: { issuerRef: { name: "company" } } });
  const message = await scene.reasonIs("lab", "Stalled", "CertManagerMissing");
  expect(message).toContain("install cert-manager, or leave issuerRef out");
  await defineKinds(cluster, certificateKinds);
  await scene.reasonIs("lab", "CertificatesValid", "NotIssued");
  expect(await scene.get("secret", "lab-gateway-authority")).toBeUndefined();

  // What cert-manager does then.
  const authority = await makeAuthority();
  for (const side of ["gateway", "collector"]) {
    const certificate = await eventually(() => scene.get("certificate", `lab-${side}-tls`));
    const { secretName, secretTemplate } = certificate.spec as {
      secretName: string;
      secretTemplate: { labels: object };
    };
    const leaf = await authority.issue();
    await scene.apply({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: secretName, labels: secretTemplate.labels },
      type: "kubernetes.io/tls",
      stringData: {
        "tls.crt": leaf.certificate,
        "tls.key": leaf.key,
        "ca.crt": authority.certificate,
      },
    });
  }
  await scene.reasonIs("lab", "CertificatesValid", "Valid");
  const bundle = await eventually(() => scene.get("configmap", "lab-ca"));
  expect(bundle.data?.["ca.crt"]).toBe(authority.certificate);
});
