import { z } from "zod";
import type { Cluster } from "../../cluster/node/cluster.ts";
import { nodePod, startPods } from "./pods.ts";

/** A bridge's API by its Service's name, with what its users are given: a key and a CA. */
export interface Bridge {
  readonly name: string;
  readonly namespace: string;
}

const url = ({ name, namespace }: Bridge): string =>
  `https://${name}-gateway.${namespace}.svc:7764/api/random`;

/** Draws once, from a pod that mounts both; prints the status and the number of bytes. */
export function drawScript(bridge: Bridge, bytes: number): string {
  return `
    import fs from "node:fs";
    import https from "node:https";
    const request = https.get("${url(bridge)}?bytes=${bytes}&encoding=binary", {
      ca: fs.readFileSync("/trust/ca.crt"),
      headers: { authorization: "Bearer " + fs.readFileSync("/keys/api-key", "utf8") },
    });
    request.setTimeout(30_000, () => request.destroy(new Error("silent")));
    request.on("error", ({ message }) => console.log(message));
    request.on("response", async (response) => {
      console.log(response.statusCode, Buffer.concat(await response.toArray()).length);
    });
  `;
}

/**
 * Draws without end, twenty times a second, each other time by a new connection, and counts what
 * comes; prints the counts each second.
 */
function trafficScript(bridge: Bridge): string {
  return `
    import fs from "node:fs";
    import https from "node:https";
    import { setTimeout as delay } from "node:timers/promises";
    const ca = fs.readFileSync("/trust/ca.crt");
    const headers = { authorization: "Bearer " + fs.readFileSync("/keys/api-key", "utf8") };
    const agents = [new https.Agent({ ca, keepAlive: true }), new https.Agent({ ca })];
    const counts = { drawn: 0, failed: 0, failures: {} };
    const draw = (agent) =>
      new Promise((resolve) => {
        const request = https.get("${url(bridge)}?bytes=64&encoding=binary", { headers, agent });
        request.setTimeout(30_000, () => request.destroy(new Error("silent for 30 s")));
        // Where the cluster's DNS is too busy to answer, nothing was asked of the bridge yet.
        request.on("error", ({ code, message }) => resolve(code === "EAI_AGAIN" ? draw(agent) : message));
        request.on("response", async (response) => {
          const body = Buffer.concat(await response.toArray().catch(() => []));
          resolve(response.statusCode === 200 && body.length === 64 ? undefined : "status " + response.statusCode);
        });
      });
    setInterval(() => console.log(JSON.stringify(counts)), 1000);
    for (let n = 0; ; n++) {
      const failure = await draw(agents[n % 2]);
      if (failure === undefined) counts.drawn++;
      else {
        counts.failed++;
        counts.failures[failure] = (counts.failures[failure] ?? 0) + 1;
      }
      await delay(50);
    }
  `;
}

const counts = z.object({
  drawn: z.number(),
  failed: z.number(),
  failures: z.record(z.string(), z.number()),
});

/** A pod that can draw from a bridge: it mounts the bridge's CA and a key. */
export function clientPod(bridge: Bridge, name: string, script?: string): object {
  return nodePod({
    name,
    namespace: bridge.namespace,
    labels: { app: name },
    ...(script !== undefined && { script }),
    container: {
      volumeMounts: [
        { name: "trust", mountPath: "/trust" },
        { name: "keys", mountPath: "/keys" },
      ],
    },
    volumes: [
      { name: "trust", configMap: { name: `${bridge.name}-ca` } },
      { name: "keys", secret: { secretName: `${bridge.name}-api-keys` } },
    ],
  });
}

export interface Traffic {
  /** What has come so far. */
  counts(): Promise<z.infer<typeof counts>>;
}

/** Clients that draw until their namespace is gone. */
export async function startTraffic(cluster: Cluster, bridge: Bridge): Promise<Traffic> {
  await startPods(cluster, [clientPod(bridge, "traffic", trafficScript(bridge))]);
  return {
    counts: async () => {
      const logs = ["logs", "traffic", "--namespace", bridge.namespace, "--tail=1"];
      const text = await cluster.kubectl(logs);
      return text === "" ? { drawn: 0, failed: 0, failures: {} } : counts.parse(JSON.parse(text));
    },
  };
}
