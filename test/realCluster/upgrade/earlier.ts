import { cp, readFile, symlink, writeFile } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { inject } from "vitest";
import { programs, root } from "../../../images/programs.ts";
import type { Cluster } from "../../cluster/node/cluster.ts";
import { importImages } from "../../cluster/node/containerd.ts";
import { type Folder, makeFolder } from "../../helpers/folder.ts";
import { run } from "../../images/helpers/command.ts";
import { chart, helm } from "../../operatorCluster/chart/helm.ts";
import { differences } from "./differences.ts";

const version = "0.0.9";
const tag = (program: string): string => `localhost/qrng-bridge-${program}:${version}`;

export const earlierImages = {
  collector: tag("collector"),
  gateway: tag("gateway"),
  operator: tag("operator"),
};

export interface EarlierRelease extends AsyncDisposable {
  /** The packaged chart. */
  readonly chart: string;
}

/** Packages the earlier release's chart, and has the node know its images. */
export async function makeEarlierRelease({ machine }: Cluster): Promise<EarlierRelease> {
  await using cleanup = new AsyncDisposableStack();
  const folder = cleanup.use(await makeFolder());
  const source = folder.at("source");
  await writeSource(source);
  await run(process.execPath, ["scripts/crd.ts"], { cwd: source });
  await run(process.execPath, ["--input-type=module", "--eval", bundleAll], { cwd: source });
  await importImages(machine, await buildImages(folder, join(source, "dist")));
  const versions = ["--version", version, "--app-version", version];
  const folderOfChart = join(source, relative(root, chart));
  await helm(["package", folderOfChart, ...versions, "--destination", folder.path]);
  const kept = cleanup.move();
  return {
    chart: folder.at(`qrng-bridge-${version}.tgz`),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** What the images, the definition and the chart are made from. */
const parts =
  "charts collector common crds docs gateway images operator package.json scripts".split(" ");

/** A copy of the checkout with the differences. @throws when a text is not there once */
async function writeSource(target: string): Promise<void> {
  for (const part of parts) await cp(join(root, part), join(target, part), { recursive: true });
  await symlink(join(root, "node_modules"), join(target, "node_modules"));
  for (const { file, today, earlier } of differences) {
    const path = join(target, file);
    const [before, after, more] = (await readFile(path, "utf8")).split(today);
    if (after === undefined || more !== undefined)
      throw new Error(`differences.ts: ${file}: is not there once: ${today}`);
    await writeFile(path, `${before}${earlier}${after}`);
  }
}

/** As images/build.ts, without the SBOM and the licences. */
const bundleAll = `
  import { bundle } from "./images/bundle.ts";
  import { programs } from "./images/programs.ts";
  for (const program of programs) await bundle(program, "dist/" + program.name);
`;

/** Today's images with the earlier programs in them. @returns their archives */
async function buildImages(folder: Folder, dist: string): Promise<string[]> {
  const stores = ["--root", folder.at("store"), "--runroot", folder.at("run")];
  const driver = ["--storage-driver", process.env["STORAGE_DRIVER"] ?? "overlay"];
  const buildah = async (...args: string[]): Promise<string> =>
    (await run("buildah", [...stores, ...driver, ...args])).trim();
  const archives: string[] = [];
  for (const { name } of programs) {
    const today = inject("images").find((file) => basename(file) === `${name}.tar`);
    if (today === undefined) throw new Error(`no archive of today's ${name}`);
    const container = await buildah("from", "--quiet", `docker-archive:${today}`);
    await buildah("copy", "--quiet", container, join(dist, name), `/app/${name}`);
    const archive = folder.at(`${name}.tar`);
    await buildah("commit", "--quiet", container, `docker-archive:${archive}:${tag(name)}`);
    archives.push(archive);
    await buildah("rm", container); // and its mount
  }
  return archives;
}
