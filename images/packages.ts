import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { root } from "./programs.ts";

export interface Package {
  readonly name: string;
  readonly version: string;
  /** SPDX, as the package states it. */
  readonly license: string;
  /** Relative to the root. */
  readonly folder: string;
}

const manifest = z.object({ name: z.string(), version: z.string(), license: z.string() });
const folderOf = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/;
const licenceFile = /^(?:licen[cs]e|copying|notice)/i;

/**
 * The packages that files belong to, each once, by name.
 * @throws when a package does not state its licence
 */
export async function packagesOf(files: readonly string[]): Promise<Package[]> {
  const folders = new Set(files.flatMap((file) => folderOf.exec(file)?.[0] ?? []));
  const packages = await Promise.all([...folders].map(readPackage));
  return packages.sort((a, b) => order(a.folder, b.folder));
}

async function readPackage(folder: string): Promise<Package> {
  const found: unknown = JSON.parse(await readFile(join(root, folder, "package.json"), "utf8"));
  const { data, error } = manifest.safeParse(found);
  if (error !== undefined) throw new Error(`${folder}/package.json: ${z.prettifyError(error)}`);
  return { ...data, folder };
}

/** Code-unit order: that of a locale differs between machines. */
const order = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

/** The licences of the packages in full, as they ask for with every copy. */
export async function licenceTexts(packages: readonly Package[]): Promise<string> {
  const sections = await Promise.all(packages.map(licenceSection));
  return sections.join(`\n${"-".repeat(80)}\n\n`);
}

async function licenceSection({ name, version, license, folder }: Package): Promise<string> {
  const files = (await readdir(join(root, folder))).filter((file) => licenceFile.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(root, folder, file), "utf8")));
  const body = texts.length > 0 ? texts : ["The package comes without a licence file."];
  return (
    [`${name} ${version} (${license})`, ...body.map((text) => text.trim())].join("\n\n") + "\n"
  );
}
