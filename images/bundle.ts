import { globSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { build, type Plugin } from "esbuild";
import { type Program, root } from "./programs.ts";

/** CommonJS packages call `require` for Node's own modules; an ES module has none. */
const requireShim = `import { createRequire as requireFrom } from "node:module";
const require = requireFrom(import.meta.url);`;

/**
 * To a module that imports node:http, Node gives all that it exports, a WebSocket among it, and so
 * loads an HTTP client that no program here uses: 16 MiB more. `require` loads that when it is asked for.
 */
const requiredHttp: Plugin = {
  name: "required-http",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(?:node:)?http$/ }, ({ path, kind }) =>
      kind === "import-statement" ? { path, namespace: "required" } : undefined,
    );
    onLoad({ filter: /.*/, namespace: "required" }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};

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
    plugins: [requiredHttp],
    legalComments: "eof",
    metafile: true,
    logLevel: "warning",
  });
  await mkdir(folder, { recursive: true });
  for (const { path, text } of outputFiles) await writeFile(path, ascii(text));
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  return inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([file]) => file);
}

/**
 * Node makes a string of two bytes a character of a text that is not ASCII throughout: 2.4 MiB more.
 * esbuild leaves other characters in comments alone.
 */
function ascii(text: string): string {
  return text.replaceAll(
    /[^\0-\u{7f}]/gu,
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
