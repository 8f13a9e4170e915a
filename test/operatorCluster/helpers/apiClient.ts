import { systemScheduler } from "../../../common/scheduler.ts";
import { ApiClient } from "../../../operator/api/client.ts";
import type { Credentials } from "../../../operator/api/credentials.ts";
import { kubeconfigCredentials } from "../../../operator/api/kubeconfig.ts";
import { RequestCounts } from "../../../operator/api/requestCounts.ts";
import { Transport } from "../../../operator/api/transport.ts";

export interface TestClient extends Disposable {
  readonly client: ApiClient;
  readonly counts: RequestCounts;
}

export interface TestClientOptions {
  readonly fieldManager?: string;
  /** Instead of the kubeconfig's server. */
  readonly server?: URL;
}

/** The operator's own client, as the user of a kubeconfig file. */
export async function clientOf(
  kubeconfig: string,
  { server, ...options }: TestClientOptions = {},
): Promise<TestClient> {
  const credentials = await kubeconfigCredentials(kubeconfig, systemScheduler);
  return clientWith({ ...credentials, ...(server !== undefined && { server }) }, options);
}

export function clientWith(
  credentials: Credentials,
  { fieldManager = "qrng-bridge" }: Pick<TestClientOptions, "fieldManager"> = {},
): TestClient {
  const counts = new RequestCounts();
  const transport = new Transport({
    credentials,
    scheduler: systemScheduler,
    random: Math.random,
    counts,
  });
  return {
    client: new ApiClient(transport, fieldManager),
    counts,
    [Symbol.dispose]: () => transport.close(),
  };
}
