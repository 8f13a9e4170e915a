import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { describeFlags, loadOperatorConfig, usage } from "../../operator/config.ts";

const home = { POD_NAMESPACE: "qrng-system" };
const load = (args: string[], env: Record<string, string> = home) => loadOperatorConfig(args, env);

test("without flags the operator looks after its own namespace, elected", () => {
  expect(load([])?.options).toMatchObject({
    namespaces: ["qrng-system"],
    workers: 4,
    lease: { namespace: "qrng-system", name: "qrng-bridge-operator" },
    managementAddress: { host: "::", port: 9466 },
    settings: { registry: "", clusterDomain: "cluster.local", labels: {}, fsGroup: 65_532 },
  });
});

test("flags come before variables, and variables before defaults", () => {
  const env = { ...home, QRNG_OPERATOR_WORKERS: "7", QRNG_OPERATOR_LOG_LEVEL: "debug" };
  const config = load(["--workers", "9"], env);
  expect(config?.options.workers).toBe(9);
  expect(config?.logLevel).toBe("debug");
});

test("every setting can be given", () => {
  const config = load([
    "--all-namespaces=true",
    "--registry=registry.example",
    "--labels=team=physics",
    "--image-pull-secrets=one,two",
    "--fs-group=none",
    "--leader-election=false",
    "--dns=dns/app=dns:5353,169.254.20.10/32:53",
    "--runbooks=https://git.example/runbooks/",
    "--kubeconfig=/k",
    "--context=c",
  ]);
  expect(config).toMatchObject({
    kubeconfig: { path: "/k", context: "c" },
    options: {
      namespaces: undefined,
      lease: undefined,
      settings: {
        registry: "registry.example",
        labels: { team: "physics" },
        imagePullSecrets: ["one", "two"],
        fsGroup: undefined,
        dns: [
          {
            to: {
              namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "dns" } },
              podSelector: { matchLabels: { app: "dns" } },
            },
            port: 5353,
          },
          { to: { ipBlock: { cidr: "169.254.20.10/32" } }, port: 53 },
        ],
        runbooks: "https://git.example/runbooks",
      },
    },
  });
});

describe("what is wrong is named, with what is expected", () => {
  test.each([
    [["--workers", "0"], "--workers: must be a whole number, 1 … 64"],
    [["--leader-election", "yes"], "--leader-election: must be true or false"],
    [["--labels", "team"], "--labels: must be labels such as team=physics"],
    [["--labels", "a=b,qrngbridge.io/zone=x"], "--labels: labels that begin with qrngbridge.io/"],
    [["--dns", "nonsense"], "--dns: must be namespace/label=value:port or CIDR:port"],
    [["--runbooks", "docs"], "--runbooks: must be an http or https URL"],
    [["--log-level", "loud"], "--log-level: must be one of trace"],
    [["--flag", "x"], "Unknown option '--flag'; --help lists the flags"],
    [["--all-namespaces", "true", "--namespaces", "a"], "--all-namespaces: goes without"],
  ])("%j", (args, message) => {
    expect(() => load(args)).toThrow(message);
  });

  test("no namespace", () => {
    expect(() => load([], {})).toThrow("--operator-namespace: is needed where POD_NAMESPACE");
  });
});

test("--help and the README list every flag", async () => {
  expect(load(["--help"])).toBeUndefined();
  const readme = await readFile(new URL("../../operator/README.md", import.meta.url), "utf8");
  for (const { flag, description, fallback } of describeFlags()) {
    expect(usage()).toContain(`  ${flag}\n      ${description}`);
    const shown = fallback === "" ? "" : `\`${fallback}\``;
    expect(readme.replaceAll(/ +/g, " ")).toContain(`| \`${flag}\` | ${description} | ${shown}`);
  }
});
