import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { mebibyte } from "./process.ts";
import { addressOf, type Bundles } from "./servers.ts";

/** A gateway as users run it, which packets are pushed to. */
export interface PushedGateway extends AsyncDisposable {
  readonly pid: number;
  /** Each `host:port`. */
  readonly api: string;
  readonly push: string;
  readonly management: string;
}

export interface PushedOptions {
  /** Its config's file name. */
  readonly name: string;
  /** A file of API keys. */
  readonly keys: string;
  readonly tls?: object;
}

export const bufferBytes = 64 * mebibyte;
export const ringKeyHex = "5a".repeat(32);
/** So that no draw is refused. */
const mostOften = 1_000_000;

/** The oldest bytes make room for new ones, so that it takes every packet. */
export async function startPushed(
  bundles: Bundles,
  { name, keys, tls }: PushedOptions,
): Promise<PushedGateway> {
  const config = {
    listen_address: "127.0.0.1:0",
    management_address: "127.0.0.1:0",
    buffer_size: bufferBytes,
    overflow: "DiscardOldest",
    shutdown_grace: 0,
    hmac_secret_key: ringKeyHex,
    api_keys_file: keys,
    rate_limit: { requests_per_second: mostOften, burst: mostOften, bytes_per_second: 2 ** 40 },
    push: {
      window: { future: 0 },
      listen_address: "127.0.0.1:0",
      ...(tls === undefined ? {} : { tls }),
    },
  };
  const file = join(bundles.folder, `${name}.yaml`);
  await writeFile(file, JSON.stringify(config), { mode: 0o600 });
  const server = await bundles.start("gateway", ["--config", file]);
  return {
    pid: server.child.process.pid!,
    api: await addressOf(server, "api"),
    push: await addressOf(server, "push"),
    management: await addressOf(server, "management"),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
