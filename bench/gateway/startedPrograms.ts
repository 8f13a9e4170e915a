import { readdir, stat, writeFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { freePort } from "../../test/endToEnd/helpers/ports.ts";
import { makeAuthority } from "../../test/helpers/certificates.ts";
import { buildProgram } from "../operator/program.ts";
import { apiKey } from "./draws.ts";
import { ringKeyHex } from "./pushed.ts";

/** A program as its image has it, with what it takes to start alone: nothing that it looks for is there. */
export interface StartedProgram {
  readonly name: string;
  readonly file: URL;
  /** Of all of its files. */
  readonly bytes: number;
  readonly env: Readonly<Record<string, string>>;
  /** @param management the `host:port` where it is to tell whether it is healthy */
  args(management: string): Promise<readonly string[]>;
}

/** @param folder with the bundles of the collector and the gateway */
export async function writePrograms(folder: string): Promise<StartedProgram[]> {
  return [
    await configured(folder, "collector", {
      appliance_url: "https://127.0.0.1:1",
      push_url: "http://127.0.0.1:1/push",
    }),
    await configured(folder, "gateway", {
      listen_address: "127.0.0.1:0",
      push: { listen_address: "127.0.0.1:0" },
      api_keys: [apiKey],
    }),
    await operator(join(folder, "operator")),
  ];
}

async function configured(folder: string, name: string, config: object): Promise<StartedProgram> {
  return {
    name,
    file: pathToFileURL(join(folder, name, "main.js")),
    bytes: await bytesIn(join(folder, name)),
    env: {},
    args: async (management) => {
      const file = join(folder, `${name}-start.yaml`);
      const whole = { ...config, hmac_secret_key: ringKeyHex, management_address: management };
      await writeFile(file, JSON.stringify(whole), { mode: 0o600 });
      return ["--config", file];
    },
  };
}

/** Without an API server, for which it waits. */
async function operator(folder: string): Promise<StartedProgram> {
  await mkdir(folder);
  const { file, env } = await buildProgram(folder);
  const { certificate } = await makeAuthority();
  await writeFile(join(folder, "token"), "none");
  await writeFile(join(folder, "ca.crt"), certificate);
  const port = String(await freePort());
  const service = { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: port };
  return {
    name: "operator",
    file,
    bytes: await bytesIn(dirname(fileURLToPath(file))),
    env: { ...env, ...service, POD_NAMESPACE: "qrng" },
    args: async (management) => [folder, `--management-address=${management}`],
  };
}

async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = files.map(async (file) => (await stat(join(file.parentPath, file.name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
