import { afterAll, beforeAll, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../../cluster/controlPlane.ts";
import { type Authority, makeAuthority } from "../../helpers/certificates.ts";
import { eventually } from "../../helpers/eventually.ts";
import { smallest } from "../helpers/bridge.ts";
import { installCertificates } from "../helpers/crds.ts";
import { startTestOperator } from "../helpers/operator.ts";
import { newScene, secretData, settleBridge, type Scene } from "../helpers/scene.ts";

/** Of its own, since kinds are the whole cluster's. */
let cluster: ControlPlane;
let authority: Authority;

beforeAll(async () => {
  cluster = await startControlPlane({ audit: true });
  authority = await makeAuthority();
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

const tls = { issuerRef: { name: "company" } };

/** What cert-manager does of a bridge's Certificate. */
async function issue(scene: Scene, name: string): Promise<void> {
  const certificate = await eventually(() => scene.get("certificate", name), 60_000);
  const { secretName, secretTemplate } = certificate.spec as {
    secretName: string;
    secretTemplate: { labels: object };
  };
  const leaf = await authority.issue();
  await scene.apply({
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: secretName,
      labels: secretTemplate.labels,
      annotations: { "cert-manager.io/certificate-name": name },
    },
    type: "kubernetes.io/tls",
    stringData: {
      "tls.crt": leaf.certificate,
      "tls.key": leaf.key,
      "ca.crt": authority.certificate,
    },
  });
}

async function issueBoth(scene: Scene): Promise<void> {
  for (const side of ["gateway", "collector"]) await issue(scene, `lab-${side}-issued`);
  await scene.reasonIs("lab", "CertificatesValid", "Valid");
}

const gone = (scene: Scene, kind: string, name: string) =>
  eventually(async () => (await scene.get(kind, name)) === undefined, 60_000);

interface PodSpec {
  readonly volumes: readonly { readonly secret?: { readonly secretName: string } }[];
}

async function mountedBy(scene: Scene, deployment: string): Promise<(string | undefined)[]> {
  const found = await scene.get("deployment", deployment);
  const template = found?.spec?.["template"] as { readonly spec: PodSpec };
  return template.spec.volumes.map(({ secret }) => secret?.secretName);
}

test("with an issuer the bridge waits for cert-manager's Secrets, and trusts what they say", async () => {
  const scene = await newScene(cluster, "issuer");
  await using _ = await startTestOperator(cluster, [scene.namespace]);
  await scene.applyBridge("lab", { ...smallest, tls });
  const message = await scene.reasonIs("lab", "Stalled", "CertManagerMissing");
  expect(message).toContain("install cert-manager, or leave issuerRef out");
  await installCertificates(cluster);
  await scene.reasonIs("lab", "CertificatesValid", "NotIssued");
  expect(await scene.get("secret", "lab-gateway-authority")).toBeUndefined();
  await issueBoth(scene);
  const bundle = await eventually(() => scene.get("configmap", "lab-ca"));
  expect(bundle.data?.["ca.crt"]).toBe(authority.certificate);
});

/** Pods show and trust the bridge's own certificates while these are not issued. */
async function expectOwnShown(scene: Scene, missing: string): Promise<void> {
  await eventually(async () => {
    const condition = await scene.conditionOf("lab", "CertificatesValid");
    return condition?.reason === "WaitingForIssuer" && condition.message.includes(`is ${missing};`);
  }, 60_000);
  expect((await scene.conditionOf("lab", "CertificatesValid"))?.status).toBe("True");
  expect(await mountedBy(scene, "lab-gateway")).toContain("lab-gateway-tls");
  expect(await mountedBy(scene, "lab-collector")).toContain("lab-collector-tls");
  const { "ca.crt": ca } = await secretData(scene, "lab-gateway-authority");
  expect((await scene.get("configmap", "lab-ca"))?.data?.["ca.crt"]).toBe(ca);
}

test("to an issuer and back, and with another topology, nothing is in the way or left", async () => {
  await installCertificates(cluster);
  const scene = await newScene(cluster, "back");
  await using _ = await startTestOperator(cluster, [scene.namespace]);
  await scene.applyBridge("lab", smallest);
  await settleBridge(scene, "lab");
  const own = await secretData(scene, "lab-gateway-tls");
  await scene.applyBridge("lab", { ...smallest, tls });
  await expectOwnShown(scene, "lab-gateway-issued, lab-collector-issued");
  await issue(scene, "lab-gateway-issued");
  await expectOwnShown(scene, "lab-collector-issued");
  expect(await secretData(scene, "lab-gateway-tls")).toEqual(own);
  await issue(scene, "lab-collector-issued");
  await scene.reasonIs("lab", "CertificatesValid", "Valid");
  await settleBridge(scene, "lab");
  expect((await scene.get("configmap", "lab-ca"))?.data?.["ca.crt"]).toBe(authority.certificate);
  expect(await mountedBy(scene, "lab-gateway")).toContain("lab-gateway-issued");
  expect(await mountedBy(scene, "lab-collector")).toContain("lab-collector-issued");
  for (const own of ["gateway-tls", "collector-tls", "gateway-authority", "collector-authority"]) {
    await gone(scene, "secret", `lab-${own}`);
  }
  // cert-manager would leave it behind; now it goes with its bridge.
  const uid = (await scene.get("qrngbridge", "lab"))?.metadata.uid;
  await eventually(async () => {
    const secret = await scene.get("secret", "lab-gateway-issued");
    return secret?.metadata.ownerReferences?.[0]?.uid === uid && uid !== undefined;
  }, 60_000);

  await scene.applyBridge("lab", { ...smallest, topology: "Direct", tls });
  await settleBridge(scene, "lab");
  await gone(scene, "certificate", "lab-collector-issued");
  await gone(scene, "secret", "lab-collector-issued");
  expect(await scene.get("secret", "lab-gateway-issued")).toBeDefined();

  await scene.applyBridge("lab", smallest);
  await settleBridge(scene, "lab");
  await scene.reasonIs("lab", "CertificatesValid", "Valid");
  await gone(scene, "certificate", "lab-gateway-issued");
  await gone(scene, "secret", "lab-gateway-issued");
  expect(await mountedBy(scene, "lab-gateway")).toContain("lab-gateway-tls");
  const bundle = await scene.get("configmap", "lab-ca");
  expect(bundle?.data?.["ca.crt"]).not.toBe(authority.certificate);
});

test("a Secret of that name that cert-manager did not make for the bridge is nobody's to delete", async () => {
  await installCertificates(cluster);
  const scene = await newScene(cluster, "theirs");
  await using _ = await startTestOperator(cluster, [scene.namespace]);
  const labels = { "qrngbridge.io/bridge": "lab" };
  for (const [name, annotations] of [
    ["lab-gateway-issued", {}],
    ["lab-collector-issued", { "cert-manager.io/certificate-name": "another" }],
  ] as const) {
    const metadata = { name, labels, annotations };
    await scene.apply({ apiVersion: "v1", kind: "Secret", metadata, stringData: { a: "b" } });
  }
  const before = [
    await scene.get("secret", "lab-gateway-issued"),
    await scene.get("secret", "lab-collector-issued"),
  ];
  await scene.applyBridge("lab", smallest);
  await settleBridge(scene, "lab");
  expect([
    await scene.get("secret", "lab-gateway-issued"),
    await scene.get("secret", "lab-collector-issued"),
  ]).toEqual(before);
});
