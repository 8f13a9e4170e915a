import { rm, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { ConfigError } from "../../../common/errors.ts";
import { inClusterCredentials } from "../../../operator/api/credentials.ts";
import { kubeconfigCredentials } from "../../../operator/api/kubeconfig.ts";
import { ApiClient } from "../../../operator/api/client.ts";
import { RequestCounts } from "../../../operator/api/requestCounts.ts";
import { Transport } from "../../../operator/api/transport.ts";
import { systemScheduler } from "../../../common/scheduler.ts";
import { makeFolder } from "../../helpers/folder.ts";
import { ManualClock } from "../../helpers/manualClock.ts";
import { startRelayingProxy } from "./helpers/proxy.ts";
import { startRig, widgets } from "./helpers/rig.ts";

const env = { KUBERNETES_SERVICE_HOST: "10.96.0.1", KUBERNETES_SERVICE_PORT: "443" };

async function serviceAccount() {
  const folder = await makeFolder();
  await writeFile(folder.at("ca.crt"), "the CA");
  await writeFile(folder.at("token"), "first\n");
  return folder;
}

test("a pod's token is read again each minute, and at once when it was refused", async () => {
  await using folder = await serviceAccount();
  const clock = new ManualClock();
  const credentials = await inClusterCredentials(env, clock, folder.path);
  expect(credentials.server.href).toBe("https://10.96.0.1/");
  expect(credentials.tls).toEqual({ ca: "the CA" });
  await writeFile(folder.at("token"), "second");
  clock.advance(59_999);
  expect(await credentials.headers()).toEqual({ authorization: "Bearer first" });
  clock.advance(1);
  expect(await credentials.headers()).toEqual({ authorization: "Bearer second" });
  await writeFile(folder.at("token"), "third");
  credentials.renew();
  expect(await credentials.headers()).toEqual({ authorization: "Bearer third" });
});

test("a token whose file is gone stays in use", async () => {
  await using folder = await serviceAccount();
  const clock = new ManualClock();
  const credentials = await inClusterCredentials(env, clock, folder.path);
  await rm(folder.at("token"));
  clock.advance(60_000);
  expect(await credentials.headers()).toEqual({ authorization: "Bearer first" });
});

test("an IPv6 address of the API server is bracketed", async () => {
  await using folder = await serviceAccount();
  const ipv6 = { ...env, KUBERNETES_SERVICE_HOST: "fd00::1" };
  const { server } = await inClusterCredentials(ipv6, new ManualClock(), folder.path);
  expect(server.href).toBe("https://[fd00::1]/");
});

test("outside of a pod, and without a token, the error says what to do", async () => {
  await using folder = await serviceAccount();
  const clock = new ManualClock();
  await expect(inClusterCredentials({}, clock, folder.path)).rejects.toThrow(/give --kubeconfig/);
  await rm(folder.at("token"));
  await expect(inClusterCredentials(env, clock, folder.path)).rejects.toThrow(
    /token: cannot be read \(ENOENT\)/,
  );
});

function kubeconfig(cluster: object, more = ""): string {
  return (
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "c", cluster }],
      users: [{ name: "u", user: { token: "hush", as: "somebody" } }],
      contexts: [{ name: "one", context: { cluster: "c", user: "u" } }],
      "current-context": "one",
    }) + more
  );
}

test("a kubeconfig gives its server, its user and whom the user stands for", async () => {
  const server = "https://192.0.2.1:6443/prefix";
  await using folder = await makeFolder();
  await writeFile(folder.at("config"), kubeconfig({ server, "tls-server-name": "kubernetes" }));
  const credentials = await kubeconfigCredentials(folder.at("config"), new ManualClock());
  expect(credentials.server.href).toBe("https://192.0.2.1:6443/prefix");
  expect(credentials.tls).toEqual({ servername: "kubernetes" });
  expect(await credentials.headers()).toEqual({
    authorization: "Bearer hush",
    "impersonate-user": "somebody",
  });
});

test("a kubeconfig's proxy carries the requests", async () => {
  await using rig = await startRig();
  await using proxy = await startRelayingProxy();
  await using folder = await makeFolder();
  const cluster = {
    server: rig.server.url.origin,
    "certificate-authority-data": Buffer.from(rig.server.ca).toString("base64"),
    "proxy-url": proxy.url,
  };
  await writeFile(folder.at("config"), kubeconfig(cluster));
  const credentials = await kubeconfigCredentials(folder.at("config"), systemScheduler);
  const counts = new RequestCounts();
  const shared = { scheduler: systemScheduler, random: Math.random, counts };
  const transport = new Transport({ credentials, ...shared });
  await new ApiClient(transport, "test").list(widgets);
  transport.close();
  expect(proxy.asked).toEqual([rig.server.url.host]);
});

test("a kubeconfig that cannot be used is named, and nothing of it is quoted", async () => {
  await using folder = await makeFolder();
  const load = async (text: string, context?: string): Promise<unknown> => {
    await writeFile(folder.at("config"), text);
    const path = folder.at("config");
    return kubeconfigCredentials(path, new ManualClock(), context).catch((error: unknown) => error);
  };
  const errors = [
    await load(kubeconfig({ server: "https://192.0.2.1" }, "hush: [")),
    await load(kubeconfig({ server: "http://192.0.2.1" })),
    await load(kubeconfig({ server: "https://192.0.2.1" }), "two"),
    await load("[]"),
  ];
  for (const error of errors) {
    expect(error).toBeInstanceOf(ConfigError);
    expect(String(error)).toContain(folder.at("config"));
    expect(String(error)).not.toContain("hush");
  }
});
