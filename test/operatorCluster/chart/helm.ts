import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parseAllDocuments } from "yaml";
import { program } from "../../cluster/programs.ts";
import { makeFolder } from "../../helpers/folder.ts";

export const chart = fileURLToPath(new URL("../../../charts/qrng-bridge", import.meta.url));

/** The release and the namespace of the README, of the golden files and of deploy/install.yaml. */
export const release = "qrng-bridge";
export const home = "qrng";

export interface RenderedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** Runs helm with a home of its own and gives its stdout. @throws with its stderr when it fails */
export async function helm(args: readonly string[], kubeconfig = ""): Promise<string> {
  await using folder = await makeFolder();
  const env = { HOME: folder.path, KUBECONFIG: kubeconfig };
  const options = { env, maxBuffer: 64 << 20 };
  return (await promisify(execFile)(await program("helm"), args, options)).stdout;
}

/** What the chart gives, as text. @param args such as `--values FILE` */
export function template(args: readonly string[] = []): Promise<string> {
  return helm(["template", release, chart, "--namespace", home, ...args]);
}

/** The objects of a text with several, in their order. */
export function objectsIn(text: string): RenderedObject[] {
  return parseAllDocuments(text).map((document) => document.toJS() as RenderedObject);
}
