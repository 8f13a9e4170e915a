import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../../../images/programs.ts";
import { type Builder, createBuilder, imageTag } from "../../images/helpers/builder.ts";
import { program } from "../programs.ts";

/** The programs' images, by the tags that pods name. */
export const images = {
  collector: imageTag("collector"),
  gateway: imageTag("gateway"),
  operator: imageTag("operator"),
} as const;

/**
 * Builds this checkout's images from their Dockerfiles, and those that a node itself runs.
 * @returns an archive for each, in the folder
 */
export async function buildImages(folder: string): Promise<string[]> {
  await using builder = await createBuilder();
  const archives = [
    await buildProgram(builder, folder, "pause"),
    await buildProgram(builder, folder, "coredns"),
  ];
  for (const [name, tag] of Object.entries(images)) {
    await builder.build(name, root, 0);
    archives.push(await save(builder, tag, folder, name));
  }
  return archives;
}

/** A static program and nothing else. */
async function buildProgram(
  builder: Builder,
  folder: string,
  name: "pause" | "coredns",
): Promise<string> {
  const [context, tag] = [join(folder, name), `localhost/${name}:test`];
  await mkdir(context);
  await cp(await program(name), join(context, name));
  const dockerfile = `FROM scratch\nCOPY ${name} /\nUSER 65532:65532\nENTRYPOINT ["/${name}"]\n`;
  await writeFile(join(context, "Dockerfile"), dockerfile);
  await builder.buildFolder(tag, context);
  return save(builder, tag, folder, name);
}

async function save(builder: Builder, tag: string, folder: string, name: string): Promise<string> {
  const file = join(folder, `${name}.tar`);
  await builder.save(tag, file);
  return file;
}
