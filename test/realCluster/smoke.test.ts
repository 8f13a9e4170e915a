import { afterAll, beforeAll, expect, test } from "vitest";
import { images } from "../cluster/node/images.ts";
import { sharedCluster } from "../cluster/node/shared.ts";
import { applyYaml, createNamespace } from "../cluster/objects.ts";
import { eventually } from "../helpers/eventually.ts";
import {
  nodePod,
  restrictedContainer,
  restrictedPod,
  restricted,
  runInPod,
  startPods,
} from "./helpers/pods.ts";

const cluster = await sharedCluster();
let namespace = "";

/** Answers with its name, and is ready two seconds after its start. */
const server = `
  import http from "node:http";
  import os from "node:os";
  const began = Date.now();
  http.createServer((request, response) => {
    response.statusCode = request.url === "/ready" && Date.now() - began < 2000 ? 503 : 200;
    response.end(os.hostname());
  }).listen(8080, () => console.log("listening"));
`;

beforeAll(async () => {
  namespace = await createNamespace(cluster, "smoke", restricted);
  const labels = { app: "web" };
  const deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          ...restrictedPod,
          terminationGracePeriodSeconds: 1,
          containers: [
            {
              name: "web",
              image: images.gateway,
              command: ["node", "--input-type=module", "--eval", server],
              securityContext: restrictedContainer,
              readinessProbe: { httpGet: { path: "/ready", port: 8080 }, periodSeconds: 1 },
            },
          ],
        },
      },
    },
  };
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace },
    spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
  };
  for (const object of [deployment, service])
    await applyYaml(cluster, JSON.stringify(object), { namespace });
  await startPods(cluster, [nodePod({ name: "client", namespace })]);
  await cluster.kubectl(["rollout", "status", "deployment/web", "-n", namespace, "--timeout=180s"]);
});
afterAll(() => cluster.kubectl(["delete", "namespace", namespace, "--wait=false"]));

const inClient = (script: string): Promise<string> =>
  runInPod(cluster, { namespace, name: "client" }, script);

test("both pods of a Service answer by its name", async () => {
  // The node learns of a pod a moment after the Deployment calls it ready.
  const script = `
    const answers = new Set();
    const until = Date.now() + 30_000;
    while (answers.size < 2 && Date.now() < until) {
      const answer = await fetch("http://web.${namespace}/", { headers: { connection: "close" } });
      answers.add(await answer.text());
    }
    console.log(answers.size);
  `;
  expect(await inClient(script)).toBe("2\n");
});

test("the API server is reached from a pod by its name", async () => {
  const script = `
    import tls from "node:tls";
    const socket = tls.connect({ host: "kubernetes.default.svc", port: 443, rejectUnauthorized: false });
    socket.on("secureConnect", () => {
      console.log(socket.getPeerCertificate().subjectaltname.includes("kubernetes.default.svc"));
      socket.destroy();
    });
  `;
  expect(await inClient(script)).toBe("true\n");
});

test("nothing outside has a name or an answer", async () => {
  const script = `
    import dns from "node:dns/promises";
    import net from "node:net";
    console.log(await dns.lookup("example.com").catch(({ code }) => code));
    const socket = net.connect({ host: "9.9.9.9", port: 53, timeout: 2000 });
    socket.on("connect", () => console.log("open") ?? socket.destroy());
    socket.on("timeout", () => console.log("silent") ?? socket.destroy());
    socket.on("error", ({ code }) => console.log(code));
  `;
  expect(await inClient(script)).toMatch(
    /^ENOTFOUND\n(silent|ENETUNREACH|EHOSTUNREACH|ECONNREFUSED)\n$/,
  );
});

test("PodSecurity restricted is enforced, and what runs is restricted", async () => {
  const bold = { apiVersion: "v1", kind: "Pod", metadata: { name: "bold", namespace } };
  const spec = { containers: [{ name: "a", image: images.gateway }] };
  const refused = applyYaml(cluster, JSON.stringify({ ...bold, spec }), { namespace });
  await expect(refused).rejects.toThrow('violates PodSecurity "restricted:latest"');
  const script = `
    import fs from "node:fs";
    const status = fs.readFileSync("/proc/1/status", "utf8");
    const [, bounding] = /CapBnd:\\s*(\\w+)/.exec(status);
    const [, seccomp] = /Seccomp:\\s*(\\w+)/.exec(status);
    let written = "written";
    try { fs.writeFileSync("/x", ""); } catch ({ code }) { written = code; }
    console.log(process.getuid(), Number(bounding), seccomp, written);
  `;
  expect(await inClient(script)).toBe("10001 0 2 EROFS\n");
});

test("logs are kept, and a deleted pod is replaced", async () => {
  const pods = ["get", "pods", "-n", namespace, "-l", "app=web", "-o", "name"];
  const before = (await cluster.kubectl(pods)).trim().split("\n");
  expect(await cluster.kubectl(["logs", "-n", namespace, before[0]!])).toBe("listening\n");
  await cluster.kubectl(["delete", "-n", namespace, before[0]!, "--wait=false"]);
  await eventually(async () => {
    const ready = [
      "get",
      "deployment",
      "web",
      "-n",
      namespace,
      "-o",
      "jsonpath={.status.readyReplicas}",
    ];
    const now = (await cluster.kubectl(pods)).trim().split("\n");
    return !now.includes(before[0]!) && (await cluster.kubectl(ready)) === "2";
  }, 180_000);
});
