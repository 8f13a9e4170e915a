import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { sharedControlPlane } from "../cluster/shared.ts";
import { eventually } from "../helpers/eventually.ts";
import { smallest } from "./helpers/bridge.ts";
import { startTestOperator } from "./helpers/operator.ts";
import { newScene, settleBridge } from "./helpers/scene.ts";

/** The names in the README's table of metrics. */
async function documented(): Promise<string[]> {
  const readme = await readFile(new URL("../../operator/README.md", import.meta.url), "utf8");
  const [, rest = ""] = readme.split("\n## Metrics\n");
  const [section = ""] = rest.split("\n## ");
  return [...section.matchAll(/`([a-z0-9_]+_[a-z]+)(?:\{[a-z,]+\})?`/g)].map(
    ([, name = ""]) => name,
  );
}

test("the management port tells health, each condition, and just the metrics that the README names", async () => {
  const scene = await newScene(await sharedControlPlane(), "management");
  await using running = await startTestOperator(scene.cluster, [scene.namespace]);
  const { host, port } = running.operator.address;
  const get = (path: string): Promise<Response> => fetch(`http://${host}:${port}${path}`);
  await scene.applyBridge("lab", smallest);
  await settleBridge(scene, "lab");
  for (const path of ["/healthz", "/readyz"]) expect((await get(path)).status, path).toBe(200);

  const condition = (type: string, value: number): string =>
    `qrng_operator_bridge_condition{namespace="${scene.namespace}",bridge="lab",type="${type}"} ${value}\n`;
  const metrics = await eventually(async () => {
    const text = await (await get("/metrics")).text();
    return text.includes(condition("Reconciling", 0)) && text;
  });
  expect(metrics).toContain(condition("CertificatesValid", 1));
  expect(metrics).toContain(condition("EntropyFlowing", -1));
  const served = [...metrics.matchAll(/^# TYPE (\S+)/gm)].map(([, name = ""]) => name);
  const own = served.filter((name) => !/^(process|nodejs)_/.test(name));
  expect(own.toSorted()).toEqual((await documented()).toSorted());

  await scene.kubectl("delete", "qrngbridge", "lab");
  await eventually(
    async () => !(await (await get("/metrics")).text()).includes("qrng_operator_bridge_condition{"),
  );
});
