import type { RequestOptions } from "node:https";
import type { Clock } from "../../common/clock.ts";
import { ConfigError } from "../../common/errors.ts";
import type { Credentials } from "./credentials.ts";

/** Exec plugins and files are asked again after this long; what they answer they cache themselves. */
const headersAge = 60_000;

/**
 * The credentials of a kubeconfig's context, as kubectl would use them: certificates, tokens, token
 * files, exec plugins, OIDC, impersonation. client-node is loaded only here.
 * @param context the file's current one where left out
 * @throws ConfigError when the file or the context cannot be used
 */
export async function kubeconfigCredentials(
  path: string,
  clock: Clock,
  context?: string,
): Promise<Credentials> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  try {
    config.loadFromFile(path);
  } catch {
    // No cause: the parser quotes the file, which holds secrets.
    throw new ConfigError(`${path}: is no kubeconfig that can be read`);
  }
  if (context !== undefined) config.setCurrentContext(context);
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    throw new ConfigError(`${path}: no cluster for context ${config.getCurrentContext()}`);
  }
  if (!cluster.server.startsWith("https://")) {
    throw new ConfigError(`${path}: the cluster's server must begin with https://`);
  }

  const applied = async (): Promise<RequestOptions> => {
    const options: RequestOptions = { headers: {} };
    try {
      await config.applyToHTTPSOptions(options);
    } catch (cause) {
      throw new ConfigError(`${path}: its user cannot authenticate`, { cause });
    }
    return options;
  };
  const { ca, cert, key, rejectUnauthorized, servername } = await applied();
  const defined = Object.entries({ ca, cert, key, rejectUnauthorized, servername }).filter(
    ([, value]) => value !== undefined,
  );
  const proxy =
    cluster.proxyUrl === undefined ? {} : { proxyEnv: { HTTPS_PROXY: cluster.proxyUrl } };

  let headers: Record<string, string> = {};
  let appliedAt = -Infinity;
  return {
    server: new URL(cluster.server),
    tls: { ...Object.fromEntries(defined), ...proxy },
    async headers() {
      const now = clock.monotonic();
      if (now - appliedAt >= headersAge) {
        headers = authenticating(await applied());
        appliedAt = now;
      }
      return headers;
    },
    renew: () => (appliedAt = -Infinity),
  };
}

function authenticating({ headers = {}, auth }: RequestOptions): Record<string, string> {
  const found: Record<string, string> = {};
  if (auth != null) found["authorization"] = `Basic ${Buffer.from(auth).toString("base64")}`;
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === "string") found[name.toLowerCase()] = value;
  }
  return found;
}
