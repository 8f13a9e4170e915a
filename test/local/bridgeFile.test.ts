import { beforeAll, describe, expect, test } from "vitest";
import { parseBridgeFile, readBridgeFile } from "../../local/bridgeFile.ts";
import { createAuthority } from "../../local/certificates.ts";
import { makeFolder } from "../helpers/folder.ts";

let pem: string;
beforeAll(async () => {
  pem = (await createAuthority("lab CA")).certificate;
});

/** A bridge whose source `lab` has these further fields. */
function bridge(fields: string): string {
  return `apiVersion: qrngbridge.io/v1alpha1
kind: QrngBridge
metadata: {name: one, namespace: physics}
spec:
  sources:
    - name: lab
      type: Quantis
      url: https://192.0.2.10
      ${fields}
`;
}

const caRef = (kind: string): string => `caRef: {kind: ${kind}, name: lab-ca, key: ca.crt}`;

/** A ConfigMap or Secret of that bridge's namespace that holds the CA. */
function holder(kind: string, fields: object = { data: { "ca.crt": pem } }, metadata = {}): string {
  const named = { name: "lab-ca", namespace: "physics", ...metadata };
  return `---\n${JSON.stringify({ apiVersion: "v1", kind, metadata: named, ...fields })}\n`;
}

const labelled = { labels: { "qrngbridge.io/bridge": "one" } };

describe("where the CA comes from", () => {
  test("a ConfigMap, before or after the bridge", () => {
    for (const text of [
      bridge(caRef("ConfigMap")) + holder("ConfigMap"),
      holder("ConfigMap") + "---\n" + bridge(caRef("ConfigMap")) + "---\n",
    ]) {
      const file = parseBridgeFile(text, "b.yaml");
      expect(file.cas).toEqual({ lab: pem });
      expect(file.bridge.metadata).toEqual({ name: "one", namespace: "physics" });
    }
  });

  test("a Secret's data or stringData", () => {
    const data = { "ca.crt": Buffer.from(pem).toString("base64") };
    for (const fields of [{ data }, { stringData: { "ca.crt": pem } }]) {
      const text = bridge(caRef("Secret")) + holder("Secret", fields, labelled);
      expect(parseBridgeFile(text, "b.yaml").cas).toEqual({ lab: pem });
    }
  });

  test("nowhere, when no source names one", () => {
    expect(parseBridgeFile(bridge(""), "b.yaml").cas).toEqual({});
  });
});

const badReferences: [string, () => string, string][] = [
  ["nothing of that name", () => "", "no ConfigMap of that name in the bridge's namespace"],
  [
    "another namespace",
    () => holder("ConfigMap", undefined, { namespace: "default" }),
    "no ConfigMap of that name in the bridge's namespace",
  ],
  ["another kind", () => holder("Secret", {}), "no ConfigMap of that name"],
  ["no such key", () => holder("ConfigMap", { data: { "ca.pem": pem } }), "has no such key"],
  ["no PEM", () => holder("ConfigMap", { data: { "ca.crt": "x" } }), "holds no certificate in PEM"],
  [
    "broken PEM",
    () => holder("ConfigMap", { data: { "ca.crt": pem.replaceAll("A", "!") } }),
    "holds no certificate in PEM",
  ],
];

test.each(badReferences)("%s is told with the line of the reference", (_, make, problem) => {
  expect(() => parseBridgeFile(bridge(caRef("ConfigMap")) + make(), "b.yaml")).toThrow(
    new RegExp(`^b\\.yaml:9: spec\\.sources\\[0\\]\\.caRef: .*${problem}`),
  );
});

test("a Secret without the bridge's label may not be referred to", () => {
  const text = bridge(caRef("Secret")) + holder("Secret", { stringData: { "ca.crt": pem } });
  expect(() => parseBridgeFile(text, "b.yaml")).toThrow(
    "b.yaml:9: spec.sources[0].caRef: its Secret needs the label qrngbridge.io/bridge with the bridge's name",
  );
});

const refused: [string, string, RegExp][] = [
  ["an empty file", "", /^b\.yaml: must hold one QrngBridge, not 0$/],
  ["two bridges", `${bridge("")}---\n${bridge("")}`, /must hold one QrngBridge, not 2$/],
  ["only a ConfigMap", "kind: ConfigMap\napiVersion: v1\n", /must hold one QrngBridge, not 0$/],
  ["another kind", `${bridge("")}---\n\nkind: Pod\n`, /^b\.yaml:12: kind: must be QrngBridge, /],
  ["a scalar", "hello", /^b\.yaml:1: /],
  ["broken YAML", `${bridge("")}---\na: [\n`, /^b\.yaml:1\d: not YAML/],
  ["an unknown field", bridge("chunkByte: 1"), /^b\.yaml:9: .*chunkByte: unknown key; did you/],
  [
    "a ConfigMap of another version",
    `${bridge("")}---\nkind: ConfigMap\napiVersion: v2\nmetadata: {name: a}\n`,
    /^b\.yaml:12: apiVersion: must be v1$/,
  ],
  ["an alias", bridge("simulated: &a true\n      chunkBytes: *a"), /aliases are not allowed/],
  [
    "a simulated appliance elsewhere",
    bridge("simulated: true"),
    /^b\.yaml:8: spec\.sources\[0\]\.url: a simulated appliance runs on this machine/,
  ],
];

test.each(refused)("%s is refused", (_, text, problem) => {
  expect(() => parseBridgeFile(text, "b.yaml")).toThrow(problem);
});

test("a simulated appliance's certificate cannot be known before", () => {
  const text = bridge(`simulated: true\n      pinnedCertificateSha256s: [${"ab".repeat(32)}]`);
  const local = text.replace("https://192.0.2.10", "https://localhost");
  expect(() => parseBridgeFile(local, "b.yaml")).toThrow(
    "b.yaml:10: spec.sources[0].pinnedCertificateSha256s: a simulated appliance gets a new certificate here; leave it out",
  );
});

test("no value is quoted, since a file may hold secrets", () => {
  const text = `${bridge("")}---\n${"hunter2hunter2: [".repeat(3)}`;
  expect(() => parseBridgeFile(text, "b.yaml")).toThrow(expect.not.stringContaining("hunter2"));
});

test("a file that is not there, and one that is", async () => {
  await using folder = await makeFolder();
  await expect(readBridgeFile(folder.at("none.yaml"))).rejects.toThrow("cannot be read (ENOENT)");
  const quickstart = `${import.meta.dirname}/../../examples/quickstart.yaml`;
  expect((await readBridgeFile(quickstart)).bridge.metadata.name).toBe("quickstart");
});
