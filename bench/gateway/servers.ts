import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { bundle } from "../../images/bundle.ts";
import { programs } from "../../images/programs.ts";
import { eventually } from "../../test/helpers/eventually.ts";
import { startProgram, type Child } from "../../test/helpers/child.ts";
import { pin, serverCore } from "./pin.ts";

/** A million keys take a while to read. */
const startMilliseconds = 120_000;

export interface Server extends AsyncDisposable {
  readonly url: string;
  readonly child: Child;
}

/** Programs as users run them: each bundled into one file. */
export interface Bundles extends AsyncDisposable {
  /** A folder that goes with them. */
  readonly folder: string;
  start(
    name: "subject" | "limit" | "gateway" | "collector",
    args: readonly string[],
  ): Promise<Server>;
}

/** The `host:port` of one of its listeners. */
export async function addressOf({ child }: Server, listener: string): Promise<string> {
  const line = await eventually(
    () => child.lines().find((found) => found["listener"] === listener),
    startMilliseconds,
  );
  return String(line["address"]);
}

export async function bundleServers(): Promise<Bundles> {
  const folder = await mkdtemp(join(tmpdir(), "qrng-bridge-bench-"));
  await writeFile(join(folder, "package.json"), '{"type":"module","version":"0.0.0"}');
  const assets = programs.find(({ name }) => name === "gateway")?.assets ?? [];
  for (const name of ["subject", "limit", "hmac"]) {
    await bundle({ name: `bench/gateway/${name}`, assets }, join(folder, name));
  }
  await bundle({ name: "gateway", assets }, join(folder, "gateway"));
  const environment = environmentOf(
    await readFile(new URL("../../gateway/Dockerfile", import.meta.url), "utf8"),
  );
  await bundle({ name: "collector", assets: [] }, join(folder, "collector"));
  return {
    folder,
    start: async (name, args) => {
      const env = name === "limit" ? {} : environment;
      const child = startProgram(pathToFileURL(join(folder, name, "main.js")), args, env);
      pin(child.process.pid, serverCore);
      const listening = await eventually(
        () => child.lines().find(({ message }) => message === "listening"),
        startMilliseconds,
      );
      return {
        url: `http://${String(listening["address"])}`,
        child,
        [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
      };
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

/** What an image sets, by its Dockerfile. */
function environmentOf(dockerfile: string): Record<string, string> {
  const variables = dockerfile.matchAll(/^ENV (\w+)="?([^"\n]+)"?$/gm);
  return Object.fromEntries([...variables].map(([, name = "", value = ""]) => [name, value]));
}
