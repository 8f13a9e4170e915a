import { stringify } from "yaml";
import type { Identity } from "../helpers/certificates.ts";

/** Who a kubeconfig speaks for: a ServiceAccount's token, or a client certificate. */
export type User = { readonly token: string } | Pick<Identity, "certificate" | "key">;

/** A kubeconfig that holds all it needs, as YAML. */
export function kubeConfig(url: string, ca: string, user: User): string {
  const credentials =
    "token" in user
      ? { token: user.token }
      : {
          "client-certificate-data": base64(user.certificate),
          "client-key-data": base64(user.key),
        };
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      { name: "test", cluster: { server: url, "certificate-authority-data": base64(ca) } },
    ],
    users: [{ name: "test", user: credentials }],
    contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
    "current-context": "test",
  });
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
