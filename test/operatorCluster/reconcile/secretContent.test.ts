import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { makeAuthority } from "../../helpers/certificates.ts";
import { eventually } from "../../helpers/eventually.ts";
import type { Spec } from "../helpers/bridge.ts";
import { startTestOperator, type TestOperator } from "../helpers/operator.ts";
import { newScene, type Scene, settleBridge } from "../helpers/scene.ts";

// A bridge that is given a Secret wherever one can be given, and all that the operator says and
// writes of it, also of Secrets that are broken and of one that admission quotes.

let scene: Scene;
let operator: TestOperator;
/** All that any Secret has held so far but certificates, and all that was to be read elsewhere. */
const contents = new Set<string>();
let certificates = "";
let said = "";

const secretText = (): string => randomBytes(24).toString("hex");
const ref = (name: string) => ({ name, key: "value" });

const spec: Spec = {
  sources: [
    {
      name: "lab",
      type: "Quantis",
      url: "https://192.0.2.10",
      clientCertificateRef: { name: "client" },
    },
    {
      name: "service",
      type: "HttpJson",
      url: "https://192.0.2.11/api?size={bytes}",
      encoding: "Hex",
      authSecretRef: ref("token"),
    },
  ],
  mixing: { strategy: "Hash" },
  collector: { proxy: { url: "http://192.0.2.20:3128", authSecretRef: ref("proxy") } },
  gateway: {
    apiKeysSecretRef: { name: "clients" },
    redis: {
      url: "rediss://192.0.2.30:6379/0",
      authSecretRef: ref("redis"),
      caRef: { kind: "Secret", name: "redis-ca", key: "ca.crt" },
    },
  },
  signing: { secretRef: ref("hmac") },
};

beforeAll(async () => {
  scene = await newScene(await sharedControlPlane(), "content");
  const authority = await makeAuthority();
  const { certificate, key } = await authority.issue();
  await give("client", { "tls.crt": certificate, "tls.key": key });
  await give("token", { value: secretText() });
  await give("proxy", { value: `user:${secretText()}` });
  await give("redis", { value: secretText() });
  await give("redis-ca", { "ca.crt": authority.certificate });
  await give("clients", { billing: `${secretText()} daily_bytes=1GiB` });
  await give("hmac", { value: randomBytes(32).toString("hex") });
  operator = await startTestOperator(scene.cluster, [scene.namespace]);
});

afterAll(async () => {
  await operator[Symbol.asyncDispose]();
});

async function give(name: string, stringData: Readonly<Record<string, string>>): Promise<void> {
  const metadata = { name, labels: { "qrngbridge.io/bridge": "lab" } };
  await scene.apply({ apiVersion: "v1", kind: "Secret", metadata, stringData });
}

const edit = (name: string, stringData: Readonly<Record<string, string>>): Promise<unknown> =>
  scene.kubectl("patch", "secret", name, "--patch", JSON.stringify({ stringData }));

/** Kinds that are read by those who may not read Secrets. */
const others =
  "qrngbridges,events.events.k8s.io,configmaps,deployments,services,serviceaccounts,networkpolicies,poddisruptionbudgets";

interface SecretList {
  readonly items: readonly { readonly data?: Readonly<Record<string, string>> }[];
}

/** Takes down what Secrets hold, and what everything else says. */
async function look(): Promise<void> {
  const output = ["--output=json", "--show-managed-fields"];
  const { items } = JSON.parse(await scene.kubectl("get", "secrets", ...output)) as SecretList;
  for (const [entry, base64] of items.flatMap(({ data = {} }) => Object.entries(data))) {
    const plain = Buffer.from(base64, "base64").toString();
    if (entry.endsWith(".crt")) {
      certificates += plain;
      continue;
    }
    for (const text of [base64, plain]) {
      for (const word of text.match(/[\w+/=-]{20,}/g) ?? []) contents.add(word);
    }
  }
  const { host, port } = operator.operator.address;
  said += await scene.kubectl("get", others, ...output);
  said += await (await fetch(`http://${host}:${port}/metrics`)).text();
}

test("no content of a Secret is said anywhere, in good times", async () => {
  await scene.applyBridge("lab", spec);
  await settleBridge(scene, "lab");
  await look();
  expect(contents.size).toBeGreaterThan(30);
  expect(found()).toEqual([]);
});

interface Break {
  readonly what: string;
  readonly act: () => Promise<unknown>;
  /** What the operator makes of it: a condition and its reason. */
  readonly said: readonly [string, string];
}

const healed = ["Stalled", "NotStalled"] as const;
const breaks: readonly Break[] = [
  {
    what: "a value of signing.secretRef is no key",
    act: () => edit("hmac", { value: `no hex ${secretText()}` }),
    said: ["SigningKeyCurrent", "SourceUnusable"],
  },
  {
    what: "a client's key is not as it should be written",
    act: () => edit("clients", { billing: `a b ${secretText()}` }),
    said: ["Stalled", "SecretUnusable"],
  },
  {
    what: "that key is another",
    act: () => edit("clients", { billing: secretText() }),
    said: healed,
  },
  {
    what: "the key ring is no JSON",
    act: () => edit("lab-signing", { "ring.json": `{"${secretText()}` }),
    said: healed,
  },
  {
    what: "what is known of its keys is no JSON",
    act: () => edit("lab-signing", { "state.json": secretText() }),
    said: healed,
  },
  {
    what: "a CA's key is none",
    act: () => edit("lab-gateway-authority", { "ca.key": secretText() }),
    said: healed,
  },
  {
    what: "a certificate's key is none",
    act: () => edit("lab-gateway-tls", { "tls.key": secretText() }),
    said: healed,
  },
];

test.each(breaks)("nor where $what", async ({ act, said: [type, reason] }) => {
  await operator.reconciledBy(act);
  await scene.reasonIs("lab", type, reason);
  await look();
  expect(found()).toEqual([]);
});

test("nor where the refusal of a Secret quotes it", async () => {
  const name = `quoting-${scene.namespace}`;
  const group = "admissionregistration.k8s.io/v1";
  const policy = {
    apiVersion: group,
    kind: "ValidatingAdmissionPolicy",
    metadata: { name },
    spec: {
      matchConstraints: {
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": scene.namespace } },
        resourceRules: [
          {
            apiGroups: [""],
            apiVersions: ["v1"],
            resources: ["secrets"],
            operations: ["CREATE", "UPDATE"],
          },
        ],
      },
      validations: [
        {
          expression: 'object.metadata.name != "lab-key-hashes"',
          messageExpression: '"must not hold " + string(object.data["api-keys"])',
        },
      ],
    },
  };
  const binding = {
    apiVersion: group,
    kind: "ValidatingAdmissionPolicyBinding",
    metadata: { name },
    spec: { policyName: name, validationActions: ["Deny"] },
  };
  await scene.apply(policy);
  await scene.apply(binding);
  await eventually(
    () =>
      scene.kubectl("label", "--dry-run=server", "secret", "lab-key-hashes", "a=b").then(
        () => false,
        (error: unknown) => String(error).includes("must not hold"),
      ),
    60_000,
  );
  await edit("clients", { billing: secretText() });
  const message = await scene.reasonIs("lab", "Stalled", "Refused");
  expect(message).toContain("lab-key-hashes");
  expect(message).not.toContain("must not hold");
  expect(found()).toEqual([]);
  await look();
  expect(found()).toEqual([]);
});

/**
 * What of the Secrets is to be read elsewhere, its beginnings. A private key's file ends in the public
 * one, which is the certificate's as well.
 */
function found(): string[] {
  const text = said + operator.log.text();
  return [...contents]
    .filter((word) => text.includes(word) && !certificates.includes(word))
    .map((word) => word.slice(0, 6));
}
