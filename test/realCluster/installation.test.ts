import { globSync, readFileSync } from "node:fs";
import { cp, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { parse, stringify } from "yaml";
import { version } from "../../common/version.ts";
import type { BridgeInput } from "../../operator/bridge/schema.ts";
import { type Cluster, startCluster } from "../cluster/node/cluster.ts";
import { tagImage } from "../cluster/node/containerd.ts";
import { images } from "../cluster/node/images.ts";
import { runOn } from "../cluster/node/machine.ts";
import { program } from "../cluster/programs.ts";
import { eventually } from "../helpers/eventually.ts";
import { makeFolder } from "../helpers/folder.ts";
import { codeBlocks, inlineCode, sectionOf } from "../helpers/markdown.ts";
import { home, release } from "../operatorCluster/chart/helm.ts";
import { applianceCa, startAppliance } from "./helpers/appliance.ts";
import { nodePod, runInPod, startPods } from "./helpers/pods.ts";

/**
 * What README.md says of installing on a cluster, and the runbooks' commands, run as they stand. On
 * a cluster of its own, since they bring and remove the definition.
 */
let cluster: Cluster & AsyncDisposable;
const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (file: string): string => readFileSync(`${root}${file}`, "utf8");

const section = sectionOf(read("README.md"), "## Install on a cluster");
const [install = "", draw = "", withoutHelm = ""] = codeBlocks(section, "sh");
const [helmInstall = "", applyBridge = ""] = install.trim().split("\n");
const chartReadme = read("charts/qrng-bridge/README.md");
const [remove = ""] = codeBlocks(sectionOf(chartReadme, "## The definition"), "sh");
const [upgrade = ""] = codeBlocks(sectionOf(chartReadme, "## Upgrading"), "sh");
const removeWithoutHelm = inlineCode(chartReadme).filter((code) => code.includes("kubectl delete"));

test("two commands install, and two stand for Helm's", () => {
  expect(helmInstall).toMatch(/^helm install /);
  expect(applyBridge).toMatch(/^kubectl apply /);
  expect(install.trim().split("\n")).toHaveLength(2);
  expect(withoutHelm.trim().split("\n")).toHaveLength(2);
  expect(removeWithoutHelm).toHaveLength(1);
});

/** More than the five minutes that the commands themselves wait. */
const patience = 600_000;

type Shell = (commands: string) => Promise<string>;

/**
 * A checkout's folders, the quickstart told of the appliance as its comments say, and a shell there.
 * The images are on the node as if they had been pulled from `$REGISTRY`.
 */
async function openShell(cleanup: AsyncDisposableStack): Promise<Shell> {
  const folder = cleanup.use(await makeFolder());
  for (const name of ["charts", "deploy", "examples"])
    await cp(`${root}${name}`, folder.at(name), { recursive: true });
  const file = folder.at("examples/quickstart-cluster.yaml");
  const quickstart = parse(await readFile(file, "utf8")) as BridgeInput;
  const [source] = quickstart.spec.sources ?? []; // its address is that of the test's appliance
  const sources = [{ ...source, caRef: applianceCa, simulated: true }];
  await writeFile(file, stringify({ ...quickstart, spec: { ...quickstart.spec, sources } }));
  for (const [name, image] of Object.entries(images))
    await tagImage(cluster.machine, image, `localhost/qrng-bridge/${name}:${version}`);
  const tools = await Promise.all([program("helm"), program("kubectl")]);
  const variables = [
    `HOME=${folder.path}`,
    `KUBECONFIG=${cluster.adminKubeConfig}`,
    `PATH=${[...tools.map(dirname), process.env["PATH"]].join(":")}`,
    "REGISTRY=localhost",
  ];
  const shell = ["env", "--chdir", folder.path, ...variables, "bash", "-euo", "pipefail", "-c"];
  const endJobs = "trap 'jobs -p | xargs --no-run-if-empty kill' EXIT\n";
  return (commands) => runOn(cluster.machine, [...shell, endJobs + commands]);
}

/** A way of installing: what begins it, and what ends it. */
interface Way {
  readonly begin: string;
  readonly end: string;
  /** More tests, while a bridge is there. */
  readonly meanwhile?: (run: Shell) => void;
}

function describeWay(name: string, { begin, end, meanwhile }: Way): void {
  describe(name, () => {
    const cleanup = new AsyncDisposableStack();
    let shell: Shell;
    const run: Shell = (commands) => shell(commands);

    beforeAll(async () => {
      shell = await openShell(cleanup);
      cleanup.defer(async () => {
        const namespace = ["delete", "namespace", home, "--ignore-not-found"];
        await cluster.kubectl([...namespace, "--timeout=120s"]);
      });
      await run(begin);
      cleanup.use(await startAppliance(cluster, home, 443));
    }, patience);
    afterAll(() => cleanup.disposeAsync());

    test(
      "a bridge gets ready, and its bytes can be drawn",
      async () => {
        expect(await run(draw)).toMatch(/^[0-9a-f]{64}$/m);
      },
      patience,
    );

    meanwhile?.(run);

    test("what removes it leaves nothing", async () => {
      await run(end);
      expect(await leftovers()).toEqual([]);
    });
  });
}

beforeAll(async () => {
  cluster = await startCluster({ images: inject("images"), enforcement: true });
});
afterAll(() => cluster[Symbol.asyncDispose]());

describeWay("installed by the two commands", {
  begin: install,
  end: remove,
  meanwhile: (run) => {
    test(
      "the runbooks' commands work",
      async () => {
        const [variables = ""] = codeBlocks(read("docs/runbooks/README.md"), "sh");
        for (const command of runbookCommands()) {
          const answer = () => run(variables + command).catch(excuse);
          // A path that no status has would print nothing for ever.
          if (command.includes("jsonpath="))
            await eventually(async () => (await answer()).trim() !== "", 240_000);
          else await answer();
        }
      },
      patience,
    );

    test("the chart's page upgrades it, and rolls it back", async () => {
      await run(upgrade);
      const history = await run(`helm history ${release} --namespace ${home} --output json`);
      expect(JSON.parse(history)).toMatchObject([
        { status: "superseded" },
        { status: "superseded" },
        { status: "deployed", description: "Rollback to 1" },
      ]);
    });

    test("the operator's metrics are there for those alone whom the values let scrape", async () => {
      const prometheus = { name: "prometheus", namespace: home, labels: { app: "prometheus" } };
      await startPods(cluster, [nodePod(prometheus)]);
      const scrape = `
        const url = "http://${release}-operator.${home}:9466/metrics";
        const answer = await fetch(url, { signal: AbortSignal.timeout(3000) }).catch(() => undefined);
        console.log(answer?.status ?? "silent");
      `;
      expect(await runInPod(cluster, prometheus, scrape)).toBe("silent\n");
      const peers = JSON.stringify([{ podSelector: { matchLabels: prometheus.labels } }]);
      const [helmUpgrade = ""] = upgrade.split("\n");
      await run(`${helmUpgrade} --set-json 'metrics.scrapeFrom=${peers}'`);
      const isOpen = async () => (await runInPod(cluster, prometheus, scrape)) === "200\n";
      await eventually(isOpen, 60_000);
    });
  },
});

describeWay("installed without Helm", {
  begin: withoutHelm + applyBridge,
  end: removeWithoutHelm.join("\n"),
});

/** Without those for nodes, and without what looks for lines that a log may not have. */
function runbookCommands(): Set<string> {
  const pages = globSync("docs/runbooks/Qrng*.md", { cwd: root });
  const lines = pages.flatMap((page) => codeBlocks(read(page), "sh").join("").trim().split("\n"));
  const commands = lines.map((line) => line.replace(/ \| grep .*$/, ""));
  return new Set(commands.filter((command) => !command.startsWith("ssh ")));
}

/** There may be no kinds of others'. @throws what else is wrong with a command */
function excuse(error: unknown): string {
  if (/doesn't have a resource type "(servicemonitor|certificates)"/.test(String(error))) return "";
  throw error;
}

/** What of the cluster, and of the operator in its namespace, bears the name. */
async function leftovers(): Promise<string[]> {
  const everywhere = "crds,clusterroles,clusterrolebindings";
  const inNamespace = "deployments,services,serviceaccounts,roles,rolebindings,networkpolicies";
  const namespace = [`--namespace=${home}`, "--ignore-not-found"];
  const names = await Promise.all([
    cluster.kubectl(["get", everywhere, "--output=name"]),
    cluster.kubectl(["get", inNamespace, ...namespace, "--output=name"]),
  ]);
  return names
    .join("")
    .split("\n")
    .filter((name) => name.includes("qrng"));
}
