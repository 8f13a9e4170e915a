import { readdir, readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startAppliance } from "../../../local/appliance/server.ts";
import type { Dashboard } from "../../../operator/build/dashboard/schema.ts";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { runCollector } from "../../collector/helpers/running.ts";
import { draw, ringKeyHex, startTestGateway } from "../../gateway/helpers/gateway.ts";
import { captureLog } from "../../helpers/capturedLog.ts";
import { makeAuthority } from "../../helpers/certificates.ts";
import { eventually } from "../../helpers/eventually.ts";
import { makeFolder } from "../../helpers/folder.ts";
import { codeBlocks, inlineCode } from "../../helpers/markdown.ts";
import { bridgeGroups, operatorGroups, watchedSpec } from "../../operator/build/alertRules.ts";
import { startTestOperator } from "../helpers/operator.ts";
import { newScene, type Scene, settleBridge } from "../helpers/scene.ts";
import { type Prometheus, startPrometheus } from "./prometheus.ts";
import { selectorsIn } from "./selectors.ts";

/** For a first scrape, a second one for rates, and a busy machine. */
const patience = 120_000;

const running = new AsyncDisposableStack();
afterAll(() => running.disposeAsync());

let scene: Scene;
let prometheus: Prometheus;

beforeAll(async () => {
  const cluster = await sharedControlPlane();
  scene = await newScene(cluster, "monitoring");
  const { namespace } = scene;
  const operator = running.use(
    await startTestOperator(cluster, [namespace], {
      options: { lease: { namespace, name: "qrng-bridge-operator" } },
    }),
  );
  await scene.applyBridge("lab", watchedSpec());
  await settleBridge(scene, "lab");
  await leaveVerdict();

  const gateway = running.use(await startTestGateway({ push: { window: { future: 0 } } }));
  const collector = running.use(await startSimulatedCollector(gateway.push));
  const { host, port } = operator.operator.address;
  const ofBridge = (pod: string) => ({ namespace, bridge: "lab", pod });
  prometheus = running.use(
    await startPrometheus({
      targets: [
        { address: new URL(gateway.management).host, labels: ofBridge("lab-gateway-a") },
        { address: collector.management, labels: ofBridge("lab-collector-a") },
        {
          address: `${host}:${port}`,
          labels: { namespace: "qrng-system", pod: "qrng-bridge-operator-a" },
          honorLabels: true,
        },
      ],
      groups: [...bridgeGroups(namespace), ...operatorGroups()],
    }),
  );
  await eventually(async () => (await draw(gateway)).status === 200, patience);
}, 300_000);

/** What a one-way check leaves: none runs here, for want of nodes. */
async function leaveVerdict(): Promise<void> {
  const oneWayCheck = {
    completionTime: new Date().toISOString(),
    nextTime: new Date().toISOString(),
    families: ["IPv4"],
    nodes: 1,
    policiesHash: "0f",
    nodesHash: "0f",
  };
  const patch = ["--type=merge", "--patch", JSON.stringify({ status: { oneWayCheck } })];
  await scene.kubectl("patch", "qrngbridge", "lab", "--subresource=status", ...patch);
}

/** With two simulated appliances, as `npm start` runs one. */
async function startSimulatedCollector(pushUrl: string) {
  const folder = running.use(await makeFolder());
  const authority = await makeAuthority();
  const ca_file = folder.at("ca.pem");
  await writeFile(ca_file, authority.certificate);
  const sources = [];
  for (const name of ["lab", "roof"]) {
    const appliance = await startAppliance({
      ...(await authority.issue()),
      address: { host: "127.0.0.1", port: 0 },
      log: captureLog().log,
    });
    running.defer(() => appliance.stop());
    const url = `https://127.0.0.1:${appliance.address.port}`;
    sources.push({ name, type: "Quantis" as const, url, ca_file, simulated: true });
  }
  return runCollector({
    sources,
    mixing: { strategy: "Xor" },
    push_url: pushUrl,
    hmac_secret_key: ringKeyHex,
  });
}

async function expectSeries(queries: readonly string[]): Promise<void> {
  expect(queries.length).toBeGreaterThan(0);
  for (const query of queries) {
    await eventually(async () => (await prometheus.count(query)) > 0, patience).catch(
      (cause: unknown) => {
        throw new Error(`no series: ${query}`, { cause });
      },
    );
  }
}

/** With the bridge's name and namespace in it. */
function filledIn(text: string): string {
  return text
    .replaceAll(/\$(?:NS|namespace)\b/g, scene.namespace)
    .replaceAll(/\$(?:BRIDGE|bridge)\b/g, "lab");
}

test("every query of the dashboard gives series of the programs that run", async () => {
  const { data = {} } = (await scene.get("configmap", "lab-dashboard")) ?? {};
  const { panels } = JSON.parse(Object.values(data).join("")) as Dashboard;
  const targets = panels.flatMap((panel) => (panel.type === "row" ? [] : panel.targets));
  expect(targets.length).toBeGreaterThan(40);
  await expectSeries(targets.map(({ expr }) => filledIn(expr)));
});

test("every alert is on series of the programs that run, and Prometheus takes it", async () => {
  const groups = [...bridgeGroups(scene.namespace), ...operatorGroups()];
  const rules = groups.flatMap((group) => group.rules);
  for (const { expr } of rules) await expectSeries(selectorsIn(expr));
  const health = async (): Promise<string[]> => {
    const answer = (await prometheus.ask("rules")) as {
      groups: { rules: { name: string; health: string }[] }[];
    };
    return answer.groups.flatMap((group) =>
      group.rules.map((rule) => `${rule.name} ${rule.health}`),
    );
  };
  const good = rules.map(({ alert }) => `${alert} ok`);
  await eventually(async () => (await health()).join() === good.join(), patience);
});

/** More than a metric's name, or a field's. */
const queryInLine = /^(?:min|max|sum|rate|increase|qrng_\w+|leader_\w+).*[({].*[)}]/;

test("every query of the runbooks is one, on series of the programs that run", async () => {
  const folder = new URL("../../../docs/runbooks/", import.meta.url);
  for (const file of await readdir(folder)) {
    const page = await readFile(new URL(file, folder), "utf8");
    const blocks = codeBlocks(page, "promql").flatMap((block) => block.trim().split("\n"));
    const within = inlineCode(page).filter((code) => queryInLine.test(code));
    for (const line of [...blocks, ...within].map(filledIn)) {
      await prometheus.count(line);
      const selectors = selectorsIn(line);
      if (selectors.length > 0) await expectSeries(selectors);
    }
  }
});
