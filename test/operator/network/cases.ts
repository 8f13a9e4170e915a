import type { NetworkPolicySpec } from "kubernetes-types/networking/v1.js";
import { expect, test } from "vitest";
import {
  type Connection,
  isAllowed,
  type Outside,
  type Party,
  type Pod,
  type World,
} from "./evaluator.ts";

/** Cases by hand from the Kubernetes documentation's text and examples. */
export const web: Pod = {
  name: "web",
  namespace: "default",
  labels: { role: "db", tier: "back" },
  addresses: ["10.0.0.1", "fd00::1"],
  ports: [
    { name: "http", number: 6379 },
    { name: "dns", number: 53, protocol: "UDP" },
  ],
  node: "node-1",
};
export const friend: Pod = {
  name: "friend",
  namespace: "default",
  labels: { role: "frontend" },
  addresses: ["10.0.0.2"],
};
export const stranger: Pod = {
  name: "stranger",
  namespace: "default",
  labels: {},
  addresses: ["10.0.0.3"],
};
export const alice: Pod = {
  name: "alice",
  namespace: "myproject",
  labels: { role: "client" },
  addresses: ["10.0.1.1"],
};
export const bob: Pod = {
  name: "bob",
  namespace: "myproject",
  labels: { role: "other" },
  addresses: ["10.0.1.2"],
};
export const office: Outside = { address: "172.17.5.5" };
export const excepted: Outside = { address: "172.17.1.9" };
export const v6: Outside = { address: "2001:db8::9" };
export const ownNode: Outside = { address: "192.168.0.1", node: "node-1" };
export const otherNode: Outside = { address: "192.168.0.2", node: "node-2" };

const namespaces = { default: {}, myproject: { project: "myproject" } };
export const db = { matchLabels: { role: "db" } };
export const http = { protocol: "TCP", port: 6379 };

export interface Case {
  readonly says: string;
  /** Of policies in the namespace `default`. */
  readonly specs: readonly NetworkPolicySpec[];
  readonly from?: Party;
  readonly to?: Party;
  readonly protocol?: Connection["protocol"];
  readonly port?: number;
  readonly allowed: boolean;
  readonly world?: Partial<World>;
}

export const from = (
  ...peers: NonNullable<NonNullable<NetworkPolicySpec["ingress"]>[number]["from"]>
) =>
  ({
    podSelector: db,
    policyTypes: ["Ingress"],
    ingress: [{ from: peers }],
  }) satisfies NetworkPolicySpec;
export const onPorts = (
  ...ports: NonNullable<NonNullable<NetworkPolicySpec["ingress"]>[number]["ports"]>
) =>
  ({ podSelector: db, policyTypes: ["Ingress"], ingress: [{ ports }] }) satisfies NetworkPolicySpec;
export const to = (...peers: NonNullable<NonNullable<NetworkPolicySpec["egress"]>[number]["to"]>) =>
  ({
    podSelector: db,
    policyTypes: ["Egress"],
    egress: [{ to: peers }],
  }) satisfies NetworkPolicySpec;
export const project = { matchLabels: { project: "myproject" } };
export const client = { matchLabels: { role: "client" } };
export const requires = (requirement: object) =>
  from({ podSelector: { matchExpressions: [requirement as never] } });
export const denyIngress = { podSelector: {}, policyTypes: ["Ingress"] };

/** A test for each case. */
export function judge(cases: readonly Case[]): void {
  test.each(cases)("$says", (each) => {
    const { specs, from = friend, to = web, protocol = "TCP", port = 6379, allowed, world } = each;
    const policies = specs.map((spec, n) => ({
      metadata: { name: `p${n}`, namespace: "default" },
      spec,
    }));
    const judged = isAllowed({ namespaces, policies, ...world }, { from, to, protocol, port });
    expect(judged).toBe(allowed);
  });
}
