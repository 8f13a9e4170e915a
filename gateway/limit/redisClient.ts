import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { Redis } from "ioredis";
import { ConfigError } from "../../common/errors.ts";
import type { Logger } from "../../common/log/logger.ts";
import { readPublicFile, readSecretFile } from "../../common/secretFiles.ts";
import { parseRedisUrl, urlProblem, type RedisConfig } from "./redisConfig.ts";
import { SharedStore } from "./sharedStore.ts";

const connectMilliseconds = 1_000;

/** Starts sharing limits; when Redis is not there, that is logged and no error. */
export async function startSharedStore(config: RedisConfig, log: Logger): Promise<SharedStore> {
  const store = new SharedStore(await createClient(config), { timeout: config.timeout, log });
  await store.start();
  return store;
}

/** @throws ConfigError when a file cannot be read or does not hold what it should */
async function createClient(config: RedisConfig): Promise<Redis> {
  const url = parseRedisUrl(config.url ?? (await readSecretFile(config.url_file ?? "")));
  const problem = urlProblem(url, config);
  if (url === undefined || problem !== undefined) {
    throw new ConfigError(`redis.url_file: ${problem}`); // a `url` has passed the schema
  }
  const { password_file: passwordFile, ca_file: caFile } = config;
  return new Redis({
    host: url.host,
    port: url.port,
    db: url.database,
    username: config.username ?? url.username,
    password: passwordFile === undefined ? url.password : await readSecretFile(passwordFile),
    tls: url.isTls ? await tlsOptions(url.host, caFile) : undefined,
    keyPrefix: config.key_prefix,
    lazyConnect: true,
    connectTimeout: connectMilliseconds,
    commandTimeout: Math.max(connectMilliseconds, config.timeout),
    disconnectTimeout: 200,
    // What cannot be answered now is answered by this process, not later.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: () => 500 + Math.random() * 1_000,
    disableClientInfo: true,
  });
}

async function tlsOptions(host: string, caFile: string | undefined) {
  const servername = isIP(host) === 0 ? { servername: host } : {};
  if (caFile === undefined) return servername;
  const ca = await readPublicFile(caFile);
  try {
    void new X509Certificate(ca);
  } catch {
    throw new ConfigError(`${caFile}: holds no certificate`);
  }
  return { ...servername, ca };
}
