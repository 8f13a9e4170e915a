import { rename, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { systemClock } from "../../../common/clock.ts";
import { inClusterCredentials } from "../../../operator/api/credentials.ts";
import { hasCode } from "../../../operator/api/errors.ts";
import { createNamespace } from "../../cluster/objects.ts";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { eventually } from "../../helpers/eventually.ts";
import { makeFolder } from "../../helpers/folder.ts";
import { clientWith } from "../helpers/apiClient.ts";
import { createServiceAccount, grant } from "../helpers/grant.ts";
import { configMaps } from "../helpers/kinds.ts";

test("when its token has expired, a pod goes on with the one that has replaced it", async () => {
  const cluster = await sharedControlPlane();
  const namespace = await createNamespace(cluster, "token");
  await createServiceAccount(cluster, namespace);
  await grant(cluster, namespace, ["configmaps"], ["list"]);
  await using folder = await makeFolder();
  await writeFile(folder.at("ca.crt"), cluster.ca);
  await writeFile(folder.at("token"), await cluster.tokenFor("operator", namespace));
  const { hostname, port } = new URL(cluster.url);
  const env = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
  const credentials = await inClusterCredentials(env, systemClock, folder.path);
  using pod = clientWith(credentials);
  const list = (): Promise<unknown> => pod.client.list(configMaps, { namespace });
  await eventually(() => list().then(Boolean, () => false)); // a grant takes a moment

  // The server takes a token for a minute past its end.
  const short = await cluster.tokenFor("operator", namespace, { expirationSeconds: -57 });
  await writeFile(folder.at("token"), short);
  credentials.renew();
  await list();
  await eventually(() =>
    list().then(
      () => false,
      (error: unknown) => hasCode(error, "ERR_API_UNAUTHORIZED"),
    ),
  );
  const refusals = pod.counts.entries().find(({ code }) => code === "401")?.count;
  expect(refusals).toBe(2); // shown once more, in case it had been renewed

  await writeFile(folder.at("next"), await cluster.tokenFor("operator", namespace));
  await rename(folder.at("next"), folder.at("token"));
  await list();
});
