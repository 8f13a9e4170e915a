import { readFile } from "node:fs/promises";
import { Agent, request } from "node:https";
import { text } from "node:stream/consumers";
import { parse } from "yaml";
import type { ControlPlaneAccess } from "../../cluster/access.ts";
import type { BridgeInput, StoredBridge } from "../../../operator/bridge/schema.ts";

/** What the API server says to a new bridge: as it would be stored, or why it is refused. */
export type Verdict = { readonly stored: StoredBridge } | { readonly refusal: string };

interface AdminConfig {
  readonly users: readonly [{ readonly user: Readonly<Record<string, string>> }];
}

/**
 * Asks the API server whether it would take a bridge, with strict field validation as kubectl asks
 * for it. Over one connection, since tests ask hundreds of times.
 */
export async function createDryRun({ url, ca, adminKubeConfig }: ControlPlaneAccess) {
  const { users } = parse(await readFile(adminKubeConfig, "utf8")) as AdminConfig;
  const pem = (name: string): string => Buffer.from(users[0].user[name] ?? "", "base64").toString();
  const agent = new Agent({
    keepAlive: true,
    ca,
    cert: pem("client-certificate-data"),
    key: pem("client-key-data"),
  });
  const path = "/apis/qrngbridge.io/v1alpha1/namespaces/default/qrngbridges";
  const target = `${url}${path}?dryRun=All&fieldValidation=Strict`;
  return {
    judge: async (bridge: BridgeInput): Promise<Verdict> => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const headers = { "content-type": "application/json" };
      request(target, { method: "POST", agent, headers }, (answer) => {
        text(answer).then(resolve, reject);
      })
        .on("error", reject)
        .end(JSON.stringify(bridge));
      const body: unknown = JSON.parse(await promise);
      return isStatus(body) ? { refusal: body.message } : { stored: body as StoredBridge };
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

/** metav1.Status, which answers a request that failed. */
function isStatus(body: unknown): body is { readonly message: string } {
  return (body as { readonly kind?: string }).kind === "Status";
}
