import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { loadOperatorConfig } from "../../../operator/config.ts";
import type { PrometheusRule } from "../../../operator/build/prometheusRule.ts";
import { version } from "../../../common/version.ts";
import { operatorGroups } from "../../operator/build/alertRules.ts";
import { chart, helm, home, objectsIn, release, type RenderedObject, template } from "./helm.ts";
import { containerOf, deploymentOf, isDefinition } from "./rendered.ts";
import { valueSets, valuesFile } from "./valueSets.ts";

/** `npx vitest run --config vitest.operator.config.ts …/rendered.test.ts -u` writes them anew. */
const golden = join(import.meta.dirname, "golden");

describe.each(valueSets)("with the values %s", (name) => {
  test("the chart is as it should be, by helm's own rules", async () => {
    const lint = await helm(["lint", "--strict", chart, "--values", valuesFile(name)]);
    expect(lint).toContain("0 chart(s) failed");
  });

  test("it gives what is checked in, and the operator understands its flags", async () => {
    const objects = objectsIn(await template(["--values", valuesFile(name)]));
    const texts = objects.filter((object) => !isDefinition(object)).map(toYaml);
    await expect(texts.join("---\n")).toMatchFileSnapshot(join(golden, `${name}.yaml`));
    const { args } = containerOf(objects);
    expect(loadOperatorConfig(args, { POD_NAMESPACE: home })).toBeDefined();
  });
});

const toYaml = (object: RenderedObject): string =>
  stringify(object, { lineWidth: 0, aliasDuplicateObjects: false });

test("every golden file is some values'", async () => {
  expect((await readdir(golden)).sort()).toEqual(valueSets.map((name) => `${name}.yaml`).sort());
});

test("the default values are those that the operator has without flags", async () => {
  const { args } = containerOf(objectsIn(await template()));
  const given = loadOperatorConfig(args, { POD_NAMESPACE: home });
  const own = loadOperatorConfig([], { POD_NAMESPACE: home });
  const podLabels = {
    "app.kubernetes.io/name": "qrng-bridge-operator",
    "app.kubernetes.io/instance": release,
  };
  const settings = { ...own?.options.settings, operator: { namespace: home, podLabels } };
  expect(given).toEqual({ ...own, options: { ...own?.options, settings } });
});

test("the default heap is the image's own", async () => {
  const dockerfile = await readFile("operator/Dockerfile", "utf8");
  const value = /^ENV NODE_OPTIONS="(.+)"$/m.exec(dockerfile)?.[1];
  const { env } = containerOf(objectsIn(await template()));
  expect(env).toContainEqual({ name: "NODE_OPTIONS", value });
});

test("chart, programs and the images of the pages have one version", async () => {
  const { version: chartVersion, appVersion } = parse(
    await readFile(join(chart, "Chart.yaml"), "utf8"),
  ) as Record<string, unknown>;
  expect({ chartVersion, appVersion }).toEqual({ chartVersion: version, appVersion: version });
  for (const page of ["README.md", "images/README.md"]) {
    const tags = (await readFile(page, "utf8")).match(/\$program:\S+/g);
    expect(new Set(tags), page).toEqual(new Set([`$program:${version}`]));
  }
});

test("the definition is the one in crds/, kept unless told otherwise", async () => {
  const own = parse(await readFile("crds/qrngbridge.yaml", "utf8")) as RenderedObject;
  const rendered = async (...args: string[]) => objectsIn(await template(args)).find(isDefinition);
  const kept = await rendered();
  expect({ ...kept, metadata: { name: own.metadata.name } }).toEqual(own);
  const annotations = { "helm.sh/resource-policy": "keep" };
  expect(kept?.metadata).toMatchObject({ annotations });
  expect((await rendered("--set", "crds.keep=false"))?.metadata).not.toHaveProperty("annotations");
  expect(await rendered("--set", "crds.install=false")).toBeUndefined();
});

test("each alert leads to its page, where the values say", async () => {
  const rendered = objectsIn(await template(["--values", valuesFile("monitored")]));
  const rule = rendered.find(({ kind }) => kind === "PrometheusRule") as RenderedObject & {
    readonly spec: PrometheusRule["spec"];
  };
  const pages = rule.spec.groups.flatMap(({ rules }) =>
    rules.map(({ annotations }) => annotations.runbook_url),
  );
  const alerts = operatorGroups().flatMap(({ rules }) => rules);
  expect(pages).toEqual(alerts.map(({ alert }) => `https://git.example/runbooks/${alert}.md`));
  expect(containerOf(rendered).args).toContain("--runbooks=https://git.example/runbooks/");
});

test("labels of a user take the place of none by which things are found", async () => {
  const labels = "app\\.kubernetes\\.io/instance=theirs";
  const sets = ["operator.podLabels", "metrics.serviceMonitor.labels", "bridges.labels"].map(
    (value) => `${value}.${labels}`,
  );
  const enabled = [...sets, "metrics.serviceMonitor.enabled=true"];
  const rendered = objectsIn(await template(enabled.flatMap((set) => ["--set", set])));
  const ours = { "app.kubernetes.io/instance": release };
  expect(deploymentOf(rendered).spec?.template.metadata?.labels).toMatchObject(ours);
  const monitor = rendered.find(({ kind }) => kind === "ServiceMonitor");
  expect(monitor?.metadata).toMatchObject({ labels: ours });
});

test.each<[string, string]>([
  ["replicas=2", "additional properties 'replicas' not allowed"],
  ["operator.replica=2", "at '/operator': additional properties 'replica' not allowed"],
  ["operator.replicas=3", "at '/operator/replicas': maximum: got 3, want 2"],
  ["operator.heapMebibytes=32", "at '/operator/heapMebibytes': minimum: got 32, want 64"],
  ["operator.logLevel=loud", "at '/operator/logLevel': value must be one of 'trace', 'debug'"],
  ["operator.resources.limit.cpu=1", "additional properties 'limit' not allowed"],
  ["images.gateway.digest=sha256:12", "at '/images/gateway/digest': 'sha256:12' does not match"],
  ["images.registry=https://x", "at '/images/registry': 'https://x' does not match"],
  ["bridges.namespaces={a_b}", "at '/bridges/namespaces/0': 'a_b' does not match"],
  ["bridges.dns={10.0.0.10}", "at '/bridges/dns/0': '10.0.0.10' does not match"],
  ["bridges.labels.team=a=b", "at '/bridges/labels/team': 'a=b' does not match"],
  ["bridges.labels.a b=c", "at '/bridges/labels': additional properties 'a b' not allowed"],
  ["bridges.labels.qrngbridge\\.io/zone=x", "bridges.labels: qrngbridge.io/zone is the operator's"],
  ["bridges.fsGroup=root", "at '/bridges/fsGroup': value must be 'none'"],
  ["metrics.runbooks=docs", "at '/metrics/runbooks': 'docs' does not match"],
  [
    "networkPolicy.apiServer.cidrs={a}",
    "at '/networkPolicy/apiServer/cidrs/0': 'a' does not match",
  ],
  ["bridges.allNamespaces=true,bridges.namespaces={a}", "goes without bridges.namespaces"],
  [
    "serviceAccount.create=false",
    "serviceAccount.name: is needed with serviceAccount.create=false",
  ],
])("%s is refused, with what is wrong", async (set, message) => {
  await expect(template(["--set", set])).rejects.toThrow(message);
});

interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
}

test("the schema has no value that values.yaml lacks", () => {
  // The other way round is helm lint's: it refuses what the schema does not know.
  const schema = JSON.parse(readFileSync(join(chart, "values.schema.json"), "utf8")) as Schema & {
    readonly definitions: Readonly<Record<string, Schema>>;
  };
  const check = ({ $ref, properties = {} }: Schema, values: object, path: string): void => {
    const referred = $ref === undefined ? {} : schema.definitions[$ref.split("/").at(-1) ?? ""];
    for (const [name, inner] of Object.entries({ ...referred?.properties, ...properties })) {
      expect(values, `${path}${name}`).toHaveProperty(name);
      const value = (values as Readonly<Record<string, object>>)[name];
      check(inner, value ?? {}, `${path}${name}.`);
    }
  };
  const { global: _, ...own } = schema.properties ?? {}; // Helm's, of a chart above
  const values = parse(readFileSync(join(chart, "values.yaml"), "utf8")) as object;
  check({ properties: own }, values, "");
});

test("what to do next is said with the namespace whose bridges are looked after", async () => {
  const notes = (...args: string[]) =>
    helm(["install", release, chart, "--namespace", home, "--dry-run=client", ...args]);
  const apply = "kubectl apply --namespace qrng --filename examples/quickstart-cluster.yaml";
  expect(await notes()).toContain(apply);
  const listed = await notes("--set", "bridges.namespaces={physics,chemistry}");
  expect(listed).toContain("the bridges of physics, chemistry.");
  expect(listed).toContain(apply.replace("qrng", "physics"));
});

test("deploy/install.yaml is the chart with its defaults, in a namespace of its own", async () => {
  const head =
    "# The chart with its defaults: charts/qrng-bridge/README.md says how to write it anew.\n";
  const namespace = stringify({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name: home,
      labels: { "pod-security.kubernetes.io/enforce": "restricted" },
    },
  });
  const text = await template(["--set", "crds.keep=false"]);
  await expect(`${head}${namespace}${text}`).toMatchFileSnapshot("../../../deploy/install.yaml");
});
