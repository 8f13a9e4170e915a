import { existsSync, globSync, statSync } from "node:fs";
import { chmod, cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { programs, root } from "../../images/programs.ts";
import { ports } from "../../operator/build/ports.ts";
import { version } from "../../common/version.ts";
import { freePort } from "../endToEnd/helpers/ports.ts";
import { makeAuthority } from "../helpers/certificates.ts";
import { makeFolder } from "../helpers/folder.ts";
import { type Builder, createBuilder, type Image, readImageFile } from "./helpers/builder.ts";
import { healthy, type Start, startContainer } from "./helpers/container.ts";

/** Any; the images are as old as they are told to be. */
const seconds = 1_700_000_000;
const names = programs.map(({ name }) => name);
const images = new Map<string, Image>();
let builder: Builder | undefined;

beforeAll(async () => {
  builder = await createBuilder();
  for (const name of names) images.set(name, await builder.build(name, root, seconds));
});
afterAll(() => builder?.[Symbol.asyncDispose]());

function imageOf(name: string): Image {
  const image = images.get(name);
  if (image === undefined) throw new Error(`no image of ${name} was built`);
  return image;
}

test.each(names)("%s is Node and one bundle, without a shell, for a user by number", (name) => {
  const { config, created, rootfs } = imageOf(name);
  expect(config.Entrypoint).toEqual(["node", `/app/${name}/main.js`]);
  expect(config.Cmd ?? []).toEqual([]);
  expect(config.User).toBe("10001:10001");
  expect(Date.parse(created)).toBe(seconds * 1000);
  const shells = ["bin/sh", "usr/bin/sh", "bin/bash", "usr/local/bin/npm", "usr/bin/env"];
  expect(shells.filter((file) => existsSync(join(rootfs, file)))).toEqual([]);
  expect(globSync("*", { cwd: join(rootfs, "app") }).sort()).toEqual([name, "package.json"].sort());
  expect(globSync("**/*.{ts,mts}", { cwd: join(rootfs, "app") })).toEqual([]);
  process.stdout.write(
    `${name}: ${megabytes(rootfs)} MB, of them /app ${megabytes(rootfs, "app")}\n`,
  );
});

function megabytes(...folder: string[]): string {
  const cwd = join(...folder);
  const files = globSync("**/*", { cwd }).map((file) => statSync(join(cwd, file)));
  const bytes = files.filter((file) => file.isFile()).reduce((sum, { size }) => sum + size, 0);
  return (bytes / 1e6).toFixed(1);
}

test("each exposes the ports that its program listens on", () => {
  const exposed = names.map((name) => [name, Object.keys(imageOf(name).config.ExposedPorts)]);
  expect(Object.fromEntries(exposed)).toEqual({
    collector: [`${ports.management.number.collector}/tcp`],
    gateway: [ports.api.number, ports.push.number, ports.management.number.gateway].map(
      (port) => `${port}/tcp`,
    ),
    operator: ["9466/tcp"],
  });
});

test.each(names)("%s says by labels what it is", (name) => {
  const labels = {
    title: `qrng-bridge-${name}`,
    description: expect.stringMatching(/./) as unknown,
    version,
    revision: "", // none was given
    "base.name": "localhost/runtime",
  };
  const named = Object.entries(labels).map(([key, value]) => [
    `org.opencontainers.image.${key}`,
    value,
  ]);
  expect(imageOf(name).config.Labels).toEqual(Object.fromEntries(named));
});

test.each(names)("%s is by default on the Node that the tests run", async (name) => {
  const dockerfile = await readFile(join(root, name, "Dockerfile"), "utf8");
  expect(dockerfile.match(/^ARG \w+_IMAGE=.*/gm)).toEqual([
    `ARG BUILD_IMAGE=node:${process.versions.node}-slim`,
    `ARG BASE_IMAGE=node:${process.versions.node}-slim`,
  ]);
});

const sbom = z.object({
  bomFormat: z.literal("CycloneDX"),
  specVersion: z.literal("1.5"),
  metadata: z.object({ component: z.object({ "bom-ref": z.string(), type: z.string() }) }),
  components: z.array(
    z.object({
      "bom-ref": z.string(),
      purl: z.string().startsWith("pkg:npm/"),
      hashes: z.array(z.object({ alg: z.literal("SHA-512"), content: z.string().length(128) })),
      licenses: z.array(z.unknown()).min(1),
    }),
  ),
  dependencies: z.array(z.object({ ref: z.string(), dependsOn: z.array(z.string()) })),
});

test.each(names)(
  "%s lists in its SBOM just the packages that are in it, with licences",
  async (name) => {
    const image = imageOf(name);
    const bill = sbom.parse(JSON.parse(await readImageFile(image, `app/${name}/sbom.cdx.json`)));
    const refs = bill.components.map((component) => component["bom-ref"]).sort();
    expect(refs).toEqual(await packagesIn(image, name));
    const self = bill.metadata.component["bom-ref"];
    expect(self).toBe(`qrng-bridge-${name}@${version}`);
    expect(bill.dependencies.map(({ ref }) => ref).sort()).toEqual([self, ...refs].sort());
    const unknown = bill.dependencies.flatMap(({ dependsOn }) => dependsOn);
    expect(unknown.filter((ref) => !refs.includes(ref))).toEqual([]);
    const licences = await readImageFile(image, `app/${name}/LICENSES.txt`);
    const heads = refs.map(
      (ref) => `${ref.slice(0, ref.lastIndexOf("@"))} ${ref.slice(ref.lastIndexOf("@") + 1)} (`,
    );
    expect(heads.filter((head) => !licences.includes(head))).toEqual([]);
  },
);

/** By the comments that esbuild puts before each file, and by the files that came beside it. */
async function packagesIn(image: Image, name: string): Promise<string[]> {
  const scripts = globSync("*.js", { cwd: join(image.rootfs, "app", name) });
  const codes = scripts.map((file) => readImageFile(image, `app/${name}/${file}`));
  const inside = [
    ...(await Promise.all(codes)).join("\n").matchAll(/^ *\/\/ (node_modules\/.*)$/gm),
  ].map((match) => match[1] ?? "");
  const beside = globSync("node_modules/**/*.*", { cwd: join(image.rootfs, "app", name) });
  const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/;
  const folders = new Set([...inside, ...beside].flatMap((file) => folder.exec(file)?.[0] ?? []));
  const manifest = z.object({ name: z.string(), version: z.string() });
  const found = [...folders].map(async (path) => {
    const text = await readFile(join(root, path, "package.json"), "utf8");
    const own = manifest.parse(JSON.parse(text));
    return `${own.name}@${own.version}`;
  });
  return [...new Set(await Promise.all(found))].sort();
}

interface Given {
  readonly start: Start;
  /** The gateway's. */
  readonly api?: string;
}

const key = "only-for-the-images-test-0";
const configFile = "/etc/qrng-bridge/config.yaml";
const withConfig = (yaml: string, management: string): Start => ({
  args: ["--config", configFile],
  files: {
    [configFile]: `${yaml}management_address: ${management}
hmac_secret_key: "${"5a".repeat(32)}"
`,
  },
});

/** What each program is started with, by where its management port is to be. */
const starts: Record<string, (management: string) => Promise<Given>> = {
  collector: async (management) => {
    const yaml = `appliance_url: https://192.0.2.10
push_url: http://127.0.0.1:${await freePort()}/push
`;
    return { start: withConfig(yaml, management) };
  },
  gateway: async (management) => {
    const port = await freePort();
    const yaml = `listen_address: 127.0.0.1:${port}
push: { listen_address: "127.0.0.1:${await freePort()}" }
api_keys: [${key}]
`;
    return { start: withConfig(yaml, management), api: `http://127.0.0.1:${port}` };
  },
  // It lives without an API server, and tries again.
  operator: async (management) => {
    const account = "/var/run/secrets/kubernetes.io/serviceaccount";
    const { certificate: ca } = await makeAuthority();
    const port = String(await freePort());
    return {
      start: {
        args: [`--management-address=${management}`],
        env: {
          POD_NAMESPACE: "qrng",
          KUBERNETES_SERVICE_HOST: "127.0.0.1",
          KUBERNETES_SERVICE_PORT: port,
        },
        files: { [`${account}/token`]: "none", [`${account}/ca.crt`]: ca },
      },
    };
  },
};

test.each(names)(
  "%s runs as process 1 without rights on a read-only root, and ends with 0 on SIGTERM",
  async (name) => {
    const management = `127.0.0.1:${await freePort()}`;
    const given = await starts[name]?.(management);
    if (given === undefined) throw new Error(`nobody says how ${name} starts`);
    const began = performance.now();
    await using container = await startContainer(imageOf(name), given.start);
    await healthy(`http://${management}/healthz`);
    const took = Math.round(performance.now() - began);
    process.stdout.write(`${name}: first /healthz ${took} ms after runc was called\n`);
    const status = await readFile(`/proc/${await container.pid()}/status`, "utf8");
    expect(status).toMatch(/^Uid:\t10001\t10001\t10001\t10001$/m);
    expect(status).toMatch(/^Gid:\t10001\t10001\t10001\t10001$/m);
    expect(status).toMatch(/^NSpid:\t\d+\t1$/m);
    expect(status).toMatch(/^CapEff:\t0+$/m);
    if (given.api !== undefined) await servesWhatItReadsFromDisk(given.api);
    await container.signal("TERM");
    expect(await container.exitCode(), container.output()).toBe(0);
  },
);

async function servesWhatItReadsFromDisk(api: string): Promise<void> {
  const page = await (await fetch(api)).text();
  const files = [...page.matchAll(/(?:src|href)="(\/dashboard\/[^"]+)"/g)].map((match) => match[1]);
  files.push("/dashboard/uplot.js", "/dashboard/uplot.css");
  const statuses = files.map(async (file) => (await fetch(`${api}${file}`)).status);
  expect(new Set(await Promise.all(statuses))).toEqual(new Set([200]));
  const description = await (await fetch(`${api}/api/openapi.json`)).text();
  expect(JSON.parse(description)).toHaveProperty("info.version", version);
}

test("the same sources give the same digests, wherever and by whomever they were checked out", async () => {
  await using copy = await makeFolder();
  for (const name of [
    "package.json",
    "package-lock.json",
    "images",
    "common",
    ...names,
    ".dockerignore",
  ])
    await cp(join(root, name), copy.at(name), { recursive: true });
  for (const file of globSync("**/*.{html,css,js,svg,json}", { cwd: copy.path }))
    await chmod(copy.at(file), 0o600);
  await using other = await createBuilder();
  for (const name of names) {
    const { id, digest } = await other.build(name, copy.path, seconds);
    const first = imageOf(name);
    expect({ name, id, digest }).toEqual({ name, id: first.id, digest: first.digest });
  }
});
