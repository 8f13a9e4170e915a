import { X509Certificate } from "node:crypto";
import { z } from "zod";
import {
  checkDocument,
  parseDocuments,
  readConfigFile,
  type YamlDocument,
} from "../common/config/load.ts";
import { ConfigError } from "../common/errors.ts";
import { dataKey, namespaceName, objectName } from "../operator/bridge/fields.ts";
import { type Bridge, type BridgeSource, localBridge } from "../operator/bridge/schema.ts";
import { simulationProblems } from "./appliances.ts";
import { clusterProblems } from "./clusterFields.ts";

/** The label without which a bridge may not refer to a Secret, here as in a cluster. */
const bridgeLabel = "qrngbridge.io/bridge";

export interface BridgeFile {
  readonly bridge: Bridge;
  /** PEM of the CAs of each source that names one, by the source's name. */
  readonly cas: Readonly<Record<string, string>>;
  /** The API key or token of each source that names one, by the source's name. */
  readonly credentials: Readonly<Record<string, string>>;
}

const kinds = ["QrngBridge", "ConfigMap", "Secret"] as const;
const anyDocument = z.looseObject({
  kind: z.enum(kinds, "must be QrngBridge, ConfigMap or Secret"),
});

const values = z.record(dataKey(), z.string().max(2 ** 20)).default({});
/** ConfigMaps and Secrets, as far as a bridge uses them; what else they hold is not judged. */
const dataObject = z.looseObject({
  apiVersion: z.literal("v1", "must be v1"),
  kind: z.enum(["ConfigMap", "Secret"]),
  metadata: z.looseObject({
    name: objectName(),
    namespace: namespaceName().default("default"),
    labels: z.record(z.string(), z.string()).default({}),
  }),
  data: values,
  stringData: values,
});
type DataObject = z.output<typeof dataObject>;

/**
 * A YAML file with one QrngBridge and the ConfigMaps and Secrets that it refers to.
 * @throws ConfigError with file, line, field and what to do
 */
export async function readBridgeFile(path: string): Promise<BridgeFile> {
  return parseBridgeFile(await readConfigFile(path), path);
}

/** As readBridgeFile, from the text; `path` is for messages. */
export function parseBridgeFile(text: string, path: string): BridgeFile {
  const documents = parseDocuments(text, path);
  const byKind = Map.groupBy(documents, (document) => checkDocument(anyDocument, document).kind);
  const [found, ...others] = byKind.get("QrngBridge") ?? [];
  if (found === undefined || others.length > 0) {
    throw new ConfigError(
      `${path}: must hold one QrngBridge, not ${others.length + (found ? 1 : 0)}`,
    );
  }
  const objects = documents
    .filter((document) => document !== found)
    .map((document) => checkDocument(dataObject, document));
  return checkReferences(found, objects);
}

function checkReferences(document: YamlDocument, objects: readonly DataObject[]): BridgeFile {
  const cas: Record<string, string> = {};
  const credentials: Record<string, string> = {};
  // As a check of the schema, so that problems are told with their lines.
  const runnable = localBridge.superRefine((bridge, context) => {
    // The file's own text, since the schema's defaults are not what its writer asked for.
    for (const { path, message } of clusterProblems(document.document.toJS())) {
      context.addIssue({ code: "custom", path: [...path], message });
    }
    for (const [index, source] of bridge.spec.sources.entries()) {
      const report = (field: keyof BridgeSource, message: string): void =>
        context.addIssue({
          code: "custom",
          path: ["spec", "sources", index, field],
          message,
        });
      for (const problem of simulationProblems(source)) report(...problem);
      const { name, caRef, authSecretRef } = source;
      if (caRef !== undefined) {
        const found = findCa(bridge, caRef, objects);
        if ("problem" in found) report("caRef", found.problem);
        else cas[name] = found.text;
      }
      if (authSecretRef !== undefined) {
        const found = findText(bridge, { kind: "Secret", ...authSecretRef }, objects);
        if ("problem" in found) report("authSecretRef", found.problem);
        else credentials[name] = found.text;
      }
    }
  });
  return { bridge: checkDocument(runnable, document), cas, credentials };
}

type Reference = NonNullable<BridgeSource["caRef"]>;
type Found = { readonly text: string } | { readonly problem: string };

function findCa(bridge: Bridge, ref: Reference, objects: readonly DataObject[]): Found {
  const found = findText(bridge, ref, objects);
  if ("problem" in found || isCertificate(found.text)) return found;
  return { problem: "holds no certificate in PEM" };
}

function findText(
  { metadata: { name, namespace } }: Bridge,
  ref: Reference,
  objects: readonly DataObject[],
): Found {
  const object = objects.find(
    ({ kind, metadata }) =>
      kind === ref.kind && metadata.name === ref.name && metadata.namespace === namespace,
  );
  if (object === undefined) {
    return { problem: `no ${ref.kind} of that name in the bridge's namespace in this file` };
  }
  if (ref.kind === "Secret" && object.metadata.labels[bridgeLabel] !== name) {
    return { problem: `its Secret needs the label ${bridgeLabel} with the bridge's name` };
  }
  const text = readValue(object, ref.key);
  return text === undefined ? { problem: `its ${ref.kind} has no such key` } : { text };
}

function readValue({ kind, data, stringData }: DataObject, key: string): string | undefined {
  const plain = kind === "Secret" ? stringData[key] : data[key];
  if (plain !== undefined || kind === "ConfigMap") return plain;
  const encoded = data[key];
  return encoded === undefined ? undefined : Buffer.from(encoded, "base64").toString("utf8");
}

function isCertificate(text: string): boolean {
  try {
    return text.includes("-----BEGIN") && new X509Certificate(text).subject !== undefined;
  } catch {
    return false;
  }
}
