import { copyFile, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { bundleFile } from "../../images/bundle.ts";
import { root } from "../../images/programs.ts";

/** What is measured: the operator as its image has it. */
export interface Program {
  readonly file: URL;
  /** The image's environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** Bundles the operator as for its image, but for where it reads its credentials from: inPod.ts. */
export async function buildProgram(folder: string): Promise<Program> {
  const file = join(folder, "app", "operator", "inPod.js");
  await bundleFile("bench/operator/inPod.ts", dirname(file));
  await copyFile(join(root, "package.json"), join(folder, "app", "package.json"));
  const dockerfile = await readFile(join(root, "operator", "Dockerfile"), "utf8");
  const lines = dockerfile.matchAll(/^ENV (\w+)=(?:"(.+)"|(\S+))$/gm);
  const env = Object.fromEntries(
    [...lines].map(([, name, quoted, word]) => [name, quoted ?? word]),
  );
  return { file: pathToFileURL(file), env };
}
