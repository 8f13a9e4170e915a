import { stringify } from "yaml";
import type { ControlPlaneAccess } from "./access.ts";

interface Where {
  /** For objects that name none. */
  readonly namespace?: string;
}

/** Creates or changes what a YAML text holds, as the admin, by server-side apply. */
export async function applyYaml(
  { kubectl }: ControlPlaneAccess,
  input: string,
  where: Where = {},
): Promise<void> {
  await kubectl([...apply(where), "--filename", "-"], { input });
}

/** The same with files, such as an operator's roles and bindings. */
export async function applyFiles(
  { kubectl }: ControlPlaneAccess,
  files: readonly string[],
  where: Where = {},
): Promise<void> {
  await kubectl([...apply(where), ...filenames(files)]);
}

function apply({ namespace }: Where): string[] {
  return ["apply", "--server-side", ...(namespace === undefined ? [] : ["--namespace", namespace])];
}

/** Resolves when the API server serves the new kinds. */
export async function installCrds(
  cluster: ControlPlaneAccess,
  files: readonly string[],
): Promise<void> {
  await applyFiles(cluster, files);
  // A wait for a condition fails on a CRD that is so new that it has none.
  for (const awaited of ["jsonpath={.status.conditions}", "condition=Established"]) {
    await cluster.kubectl(["wait", "--for", awaited, "--timeout=60s", ...filenames(files)]);
  }
}

/** A namespace that nobody else uses. @returns its name, which begins with `prefix` */
export async function createNamespace(
  { kubectl }: ControlPlaneAccess,
  prefix: string,
  labels: Record<string, string> = {},
): Promise<string> {
  const metadata = { generateName: `${prefix}-`, labels };
  const input = stringify({ apiVersion: "v1", kind: "Namespace", metadata });
  const create = ["create", "--filename", "-", "--output", "jsonpath={.metadata.name}"];
  return kubectl(create, { input });
}

function filenames(files: readonly string[]): string[] {
  return files.flatMap((file) => ["--filename", file]);
}
