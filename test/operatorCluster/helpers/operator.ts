import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { type Scheduler, systemScheduler } from "../../../common/scheduler.ts";
import type { Credentials } from "../../../operator/api/credentials.ts";
import { kubeconfigCredentials } from "../../../operator/api/kubeconfig.ts";
import { bootClock } from "../../../operator/boot.ts";
import { loadOperatorConfig } from "../../../operator/config.ts";
import { podManagement } from "../../../operator/gateways/reports.ts";
import {
  type Operator,
  type OperatorDeps,
  type OperatorOptions,
  startOperator,
} from "../../../operator/operator.ts";
import type { AuditEvent } from "../../cluster/audit.ts";
import type { ControlPlaneAccess } from "../../cluster/access.ts";
import { applyYaml } from "../../cluster/objects.ts";
import { eventually } from "../../helpers/eventually.ts";
import { captureLog, type CapturedLog } from "../../helpers/capturedLog.ts";

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

const account = "operator";

/** The chart's own rules. */
export async function chartRules(name: "bridge-rules" | "operator-rules"): Promise<Rule[]> {
  const file = new URL(`../../../charts/qrng-bridge/files/${name}.yaml`, import.meta.url);
  return parse(await readFile(file, "utf8")) as Rule[];
}

/** Gives the ServiceAccount `operator` of a namespace exactly these rules in another. */
export async function grantRules(
  cluster: ControlPlaneAccess,
  namespace: string,
  rules: readonly Rule[],
  home = namespace,
): Promise<void> {
  const group = "rbac.authorization.k8s.io";
  const base = { apiVersion: `${group}/v1`, metadata: { name: account } };
  const subjects = [{ kind: "ServiceAccount", name: account, namespace: home }];
  const roleRef = { apiGroup: group, kind: "Role", name: account };
  const items = [
    { ...base, kind: "Role", rules },
    { ...base, kind: "RoleBinding", roleRef, subjects },
  ];
  await applyYaml(cluster, JSON.stringify({ apiVersion: "v1", kind: "List", items }), {
    namespace,
  });
}

/** A kubeconfig of the operator with the chart's rules in the namespaces, the first being its home. */
export async function operatorKubeConfig(
  cluster: ControlPlaneAccess,
  namespaces: readonly [string, ...string[]],
): Promise<string> {
  const [home] = namespaces;
  const yaml = `{apiVersion: v1, kind: ServiceAccount, metadata: {name: ${account}}}`;
  await applyYaml(cluster, yaml, { namespace: home });
  const [bridgeRules, operatorRules] = [
    await chartRules("bridge-rules"),
    await chartRules("operator-rules"),
  ];
  for (const namespace of namespaces) {
    const rules = namespace === home ? [...bridgeRules, ...operatorRules] : bridgeRules;
    await grantRules(cluster, namespace, rules, home);
  }
  return cluster.kubeConfigFor({ token: await cluster.tokenFor(account, home) });
}

export interface TestOperator extends AsyncDisposable {
  readonly operator: Operator;
  /** The sum of a metric's series that have all these labels. */
  metric(name: string, ...labels: readonly string[]): Promise<number>;
  /** Waits until so many reconciles have ended since the start, and none is waiting. */
  reconciled(total: number): Promise<void>;
  /** Does something and waits until that led to a reconcile, and none is waiting. */
  reconciledBy(act: () => Promise<unknown>): Promise<void>;
  readonly log: CapturedLog;
  /** Its writes that changed something or tried to, so far. */
  writes(): Promise<AuditEvent[]>;
}

export interface TestOperatorInit {
  readonly kubeconfig?: string;
  /** Instead of the kubeconfig's. */
  readonly credentials?: Credentials;
  readonly options?: Partial<OperatorOptions>;
  readonly gatewayAddress?: OperatorDeps["gatewayAddress"];
  readonly moment?: OperatorDeps["moment"];
  readonly scheduler?: Scheduler;
}

/** The operator in this process, with the chart's rules through a ServiceAccount's token. */
export async function startTestOperator(
  cluster: ControlPlaneAccess,
  namespaces: readonly [string, ...string[]],
  init: TestOperatorInit = {},
): Promise<TestOperator> {
  const [home] = namespaces;
  const kubeconfig = init.kubeconfig ?? (await operatorKubeConfig(cluster, namespaces));
  const flags = {
    "operator-namespace": home,
    namespaces: namespaces.join(","),
    "leader-election": "false",
    "management-address": "127.0.0.1:0",
    "gateway-seconds": "1",
    "discovery-seconds": "1",
  };
  const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]);
  const config = loadOperatorConfig(args, {});
  if (config === undefined) throw new Error("no config");
  const { scheduler = systemScheduler } = init;
  const log = captureLog();
  const operator = await startOperator(
    { ...config.options, identity: "test", ...init.options },
    {
      credentials: init.credentials ?? (await kubeconfigCredentials(kubeconfig, scheduler)),
      scheduler,
      log: log.log,
      moment: init.moment ?? (await bootClock()),
      gatewayAddress: init.gatewayAddress ?? podManagement,
      onLost: () => undefined,
    },
  );
  const { host, port } = operator.address;
  const metric = async (name: string, ...labels: readonly string[]): Promise<number> => {
    const text = await (await fetch(`http://${host}:${port}/metrics`)).text();
    return text
      .split("\n")
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .filter((line) => labels.every((label) => line.includes(label)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
  };
  const total = (): Promise<number> => metric("controller_runtime_reconcile_total");
  const reconciled = async (wanted: number): Promise<void> => {
    await eventually(async () => (await total()) >= wanted, 60_000);
    await eventually(async () => {
      const busy =
        (await metric("workqueue_depth")) + (await metric("controller_runtime_active_workers"));
      return busy === 0;
    });
  };
  return {
    operator,
    log,
    metric,
    reconciled,
    reconciledBy: async (act) => {
      const before = await total();
      await act();
      await reconciled(before + 1);
    },
    writes: async () => writesOf(await cluster.auditEvents(), home),
    [Symbol.asyncDispose]: () => operator.stop(),
  };
}

/** What an operator wrote, by the audit log; its Events and Lease are not counted. */
export function writesOf(events: readonly AuditEvent[], home: string): AuditEvent[] {
  return events.filter(
    ({ stage, verb, user, objectRef }) =>
      stage === "ResponseComplete" &&
      user.username === `system:serviceaccount:${home}:${account}` &&
      ["create", "update", "patch", "delete"].includes(verb) &&
      !["events", "leases"].includes(objectRef?.resource ?? ""),
  );
}
