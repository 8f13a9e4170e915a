import { globSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { build } from "esbuild";
import { type Program, root } from "./programs.ts";

/** CommonJS packages call `require` for Node's own modules; an ES module has none. */
const requireShim = `import { createRequire as requireFrom } from "node:module";
const require = requireFrom(import.meta.url);`;

/**
 * Writes a program as `main.js`, its other entries and its assets into `folder`; what it imports
 * only when it needs it is in a file of its own beside that, which costs neither time nor memory
 * before. Names and lines are kept, so that the positions in a log can be looked up in the image
 * itself, without a source map.
 * @returns the files that went in, sources and packages' alike, relative to the root
 */
export async function bundle(program: Program, folder: string): Promise<string[]> {
  const used = await bundleFile(`${program.name}/main.ts`, folder);
  for (const other of program.others ?? []) {
    used.push(...(await bundleFile(`${program.name}/${other}.ts`, join(folder, dirname(other)))));
  }
  return [...used, ...(await copyAssets(program, folder))];
}

/**
 * Writes a file, with all that it imports, as a file of its name into `folder`.
 * @param entry relative to the root
 * @returns the files that went in, relative to the root
 */
export async function bundleFile(entry: string, folder: string): Promise<string[]> {
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outdir: folder,
    write: false,
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node26",
    banner: { js: requireShim },
    legalComments: "eof",
    metafile: true,
    logLevel: "warning",
  });
  await mkdir(folder, { recursive: true });
  for (const { path, text } of outputFiles) await writeFile(path, latin(text));
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  return inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([file]) => file);
}

/**
 * One other character makes V8 keep all of the text in two bytes each, 2.4 MiB more. esbuild leaves
 * them in comments alone.
 */
function latin(text: string): string {
  return text.replaceAll(
    /[^\0-\u{ff}]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}

/** Written anew: a copy would keep the modes of the checkout, which differ between machines. */
async function copyAssets(program: Program, folder: string): Promise<string[]> {
  const copied: string[] = [];
  for (const assets of program.assets) {
    const target = join(folder, assets.folder);
    await mkdir(target, { recursive: true });
    for (const file of globSync(assets.files, { cwd: root })) {
      await writeFile(join(target, basename(file)), await readFile(join(root, file)));
      copied.push(file);
    }
  }
  return copied;
}
