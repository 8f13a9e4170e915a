import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { bundle } from "./bundle.ts";
import { licenceTexts, packagesOf } from "./packages.ts";
import { programs, root } from "./programs.ts";
import { describeLock, narrowBom } from "./sbom.ts";

/**
 * Writes dist/: what the images hold under /app. It is laid out as the repository, a folder for
 * each program beside package.json, so that what code reads from beside itself is where it was.
 */
const dist = join(root, "dist");
const manifest = z
  .object({ name: z.string(), version: z.string(), type: z.literal("module") })
  .parse(JSON.parse(await readFile(join(root, "package.json"), "utf8")));
const lock = await describeLock();

await rm(dist, { recursive: true, force: true });
await mkdir(dist);
await writeJson(join(dist, "package.json"), manifest);
for (const program of programs) {
  const folder = join(dist, program.name);
  const packages = await packagesOf(await bundle(program, folder));
  const subject = { name: `${manifest.name}-${program.name}`, version: manifest.version };
  await writeFile(join(folder, "LICENSES.txt"), await licenceTexts(packages));
  await writeJson(join(folder, "sbom.cdx.json"), narrowBom(lock, subject, packages));
  process.stdout.write(`dist/${program.name}: ${packages.length} packages bundled\n`);
}

async function writeJson(file: string, value: object): Promise<void> {
  await writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
}
