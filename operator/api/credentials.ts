import { readFile } from "node:fs/promises";
import type { AgentOptions } from "node:https";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import { z } from "zod";
import type { Clock } from "../../common/clock.ts";
import { ConfigError, errorCode } from "../../common/errors.ts";

/** Where the API server is and how to show who we are. */
export interface Credentials {
  readonly server: URL;
  /** What its certificate is checked with, our own certificate, a proxy. */
  readonly tls: AgentOptions;
  /** Headers that authenticate a request made now. */
  headers(): Promise<Readonly<Record<string, string>>>;
  /** Told that the server did not accept them: the next call looks again. */
  renew(): void;
}

const serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";
/** The kubelet replaces a token long before it expires; client-go looks as often. */
const tokenAge = 60_000;

const InClusterEnv = z.object({
  KUBERNETES_SERVICE_HOST: z.string().min(1),
  KUBERNETES_SERVICE_PORT: z.string().regex(/^\d{1,5}$/),
});

/**
 * The credentials of a pod's ServiceAccount. Written here and not taken from client-node, whose
 * import alone would take more memory than the rest of the operator.
 * @param env the process's environment
 * @throws ConfigError when this is no pod, or one without a token
 */
export async function inClusterCredentials(
  env: Readonly<Record<string, string | undefined>>,
  clock: Clock,
  folder = serviceAccountFolder,
): Promise<Credentials> {
  const parsed = InClusterEnv.safeParse(env);
  if (!parsed.success) {
    throw new ConfigError(
      "not in a cluster: KUBERNETES_SERVICE_HOST is not set; give --kubeconfig",
    );
  }
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = parsed.data;
  const token = new TokenFile(join(folder, "token"), clock);
  await token.read();
  return {
    server: new URL(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`),
    tls: { ca: await readCredential(join(folder, "ca.crt")) },
    headers: async () => ({ authorization: `Bearer ${await token.read()}` }),
    renew: () => token.renew(),
  };
}

/** A token that others replace in its file. */
export class TokenFile {
  readonly #path: string;
  readonly #clock: Clock;
  #token: string | undefined;
  #readAt = -Infinity;

  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  /**
   * The token, read again when it is a minute old. A file that is gone for a moment leaves the
   * token before it in use.
   * @throws ConfigError when it could never be read
   */
  async read(): Promise<string> {
    const now = this.#clock.monotonic();
    if (this.#token !== undefined && now - this.#readAt < tokenAge) return this.#token;
    try {
      this.#token = await readCredential(this.#path);
    } catch (error) {
      if (this.#token === undefined) throw error;
    }
    this.#readAt = now;
    return this.#token;
  }

  renew(): void {
    this.#readAt = -Infinity;
  }
}

async function readCredential(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new ConfigError(`${path}: cannot be read (${errorCode(cause) ?? "unknown"})`, { cause });
  });
  if (text.trim() === "") throw new ConfigError(`${path}: is empty`);
  return text.trim();
}
