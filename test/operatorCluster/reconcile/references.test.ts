import { randomBytes } from "node:crypto";
import { beforeEach, expect, test } from "vitest";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { eventually } from "../../helpers/eventually.ts";
import { smallest } from "../helpers/bridge.ts";
import { withoutWaitsOf } from "../helpers/fastTime.ts";
import { startTestOperator } from "../helpers/operator.ts";
import { newScene, secretData, settleBridge, type Scene } from "../helpers/scene.ts";

let scene: Scene;

beforeEach(async () => {
  scene = await newScene(await sharedControlPlane(), "references");
});

const secret = (name: string, stringData: object) => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name },
  stringData,
});

/** The command at the end of a message. */
const commandIn = (message: string): string[] =>
  message.slice(message.indexOf("kubectl ")).split(" ").slice(1);

test("a Secret without the label is refused with the command that lets the bridge use it", async () => {
  const key = randomBytes(32).toString("hex");
  await scene.apply(secret("ours", { hmac: key }));
  await using _ = await startTestOperator(scene.cluster, [scene.namespace]);
  const signing = { secretRef: { name: "ours", key: "hmac" } };
  await scene.applyBridge("lab", { ...smallest, signing });
  const message = await scene.reasonIs("lab", "Stalled", "ReferenceNotLabelled");
  expect(message).toContain("signing.secretRef: Secret ours is not marked for this bridge");
  expect(await scene.owned("lab")).toEqual(new Map());

  await scene.cluster.kubectl(commandIn(message));
  await settleBridge(scene, "lab");
  const ring = JSON.parse((await secretData(scene, "lab-signing"))["ring.json"] ?? "") as {
    signing: string;
    keys: { id: string; key: string }[];
  };
  expect(ring.keys).toMatchObject([{ id: ring.signing, key }]);
  expect((await scene.owned("lab")).has("Secret ours")).toBe(true);

  // Another value is published beside the one that signs.
  const next = randomBytes(32).toString("hex");
  await scene.kubectl(
    "patch",
    "secret",
    "ours",
    "--patch",
    JSON.stringify({ stringData: { hmac: next } }),
  );
  await eventually(async () =>
    (await secretData(scene, "lab-signing"))["ring.json"]?.includes(next),
  );
  expect((await scene.get("qrngbridge", "lab"))?.status?.signing?.keyId).toBe(ring.signing);
  // A Secret that is gone changes nothing.
  await scene.kubectl("delete", "secret", "ours");
  await scene.reasonIs("lab", "SigningKeyCurrent", "SourceUnusable");
  expect((await secretData(scene, "lab-signing"))["ring.json"]).toContain(next);
});

test("clients' keys come from the Secret that is referred to, which is only read", async () => {
  await using operator = await startTestOperator(scene.cluster, [scene.namespace]);
  const key = randomBytes(32).toString("base64url");
  const gateway = { apiKeysSecretRef: { name: "clients" } };
  await scene.applyBridge("lab", { ...smallest, gateway });
  const message = await scene.reasonIs("lab", "Stalled", "ReferenceMissing");
  expect(message).toBe(
    `gateway.apiKeysSecretRef: there is no Secret clients in ${scene.namespace}: create it`,
  );
  const given = secret("clients", { billing: key });
  await scene.apply({
    ...given,
    metadata: { ...given.metadata, labels: { "qrngbridge.io/bridge": "lab" } },
  });
  await settleBridge(scene, "lab");
  const hashes = (await secretData(scene, "lab-key-hashes"))["api-keys"];
  expect(hashes).toMatch(/^billing sha256:[0-9a-f]{64}\n$/);
  // Each entry is a key, and a file of keys is one as well.
  const [second, third] = [randomBytes(32), randomBytes(32)].map((bytes) => bytes.toString("hex"));
  const more = { lab: `${second} daily_bytes=1GiB`, "api-keys": `guest ${third}\n` };
  const patch = JSON.stringify({ stringData: more });
  await scene.kubectl("patch", "secret", "clients", "--patch", patch);
  await eventually(async () => {
    const written = (await secretData(scene, "lab-key-hashes"))["api-keys"] ?? "";
    const names = written.split("\n").map((line) => line.split(" ")[0]);
    return written.includes(" daily_bytes=1GiB") && names.join() === "guest,billing,lab,";
  }, 60_000);
  expect(await scene.get("secret", "lab-api-keys")).toBeUndefined();
  expect((await scene.get("qrngbridge", "lab"))?.status?.endpoints?.apiKeysSecret).toBe("clients");
  const touched = (await operator.writes()).filter(
    ({ objectRef }) => objectRef?.name === "clients",
  );
  expect(touched).toEqual([]);
});

test("what is refused by its content says so without it", async () => {
  await using _ = await startTestOperator(scene.cluster, [scene.namespace]);
  const given = secret("ours", { hmac: "much too short" });
  await scene.apply({
    ...given,
    metadata: { ...given.metadata, labels: { "qrngbridge.io/bridge": "lab" } },
  });
  await scene.applyBridge("lab", {
    ...smallest,
    signing: { secretRef: { name: "ours", key: "hmac" } },
  });
  const message = await scene.reasonIs("lab", "Stalled", "SecretUnusable");
  expect(message).toContain("signing.secretRef: must hold 32 to 64 bytes as hex");
  expect(message).not.toContain("much too short");
});

test("what carries the label is looked at as soon as it comes, changes or goes", async () => {
  const scheduler = withoutWaitsOf(1_000);
  await using _ = await startTestOperator(scene.cluster, [scene.namespace], { scheduler });
  const metadata = { name: "appliance-ca", labels: { "qrngbridge.io/bridge": "lab" } };
  const [source] = smallest.sources ?? [];
  if (source === undefined) throw new Error("no source");
  for (const kind of ["ConfigMap", "Secret"] as const) {
    const caRef = { kind, name: "appliance-ca", key: "ca.crt" };
    const content = kind === "Secret" ? "stringData" : "data";
    const holding = (entries: object) => ({ apiVersion: "v1", kind, metadata, [content]: entries });
    await scene.applyBridge("lab", { sources: [{ ...source, caRef }] });
    const absent = await scene.reasonIs("lab", "Stalled", "ReferenceMissing");
    expect(absent).toContain(`there is no ${kind} appliance-ca`);
    await scene.apply(holding({ "other.crt": "PEM" }));
    await eventually(async () => {
      const { message = "" } = (await scene.conditionOf("lab", "Stalled")) ?? {};
      return message.includes(`${kind} appliance-ca has no entry ca.crt: add it`);
    }, 60_000);
    await scene.apply(holding({ "ca.crt": "PEM" }));
    await scene.reasonIs("lab", "Stalled", "NotStalled");
    await scene.kubectl("delete", kind, "appliance-ca");
    await scene.reasonIs("lab", "Stalled", "ReferenceMissing");
  }
});
