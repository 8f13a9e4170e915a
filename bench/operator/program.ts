import { copyFile, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { bundleFile } from "../../images/bundle.ts";
import { root } from "../../images/programs.ts";

/** What is measured: the operator as its image has it. */
export interface Program {
  readonly file: URL;
  /** NODE_OPTIONS. */
  readonly options: string;
}

/** Bundles the operator as for its image, but for where it reads its credentials from: inPod.ts. */
export async function buildProgram(folder: string): Promise<Program> {
  const file = join(folder, "app", "operator", "inPod.js");
  await bundleFile("bench/operator/inPod.ts", dirname(file));
  await copyFile(join(root, "package.json"), join(folder, "app", "package.json"));
  const dockerfile = await readFile(join(root, "operator", "Dockerfile"), "utf8");
  const [, options] = /^ENV NODE_OPTIONS="(.+)"$/m.exec(dockerfile) ?? [];
  if (options === undefined) throw new Error("operator/Dockerfile: sets no NODE_OPTIONS");
  return { file: pathToFileURL(file), options };
}
