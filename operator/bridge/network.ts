import { BlockList, isIPv4, isIPv6 } from "node:net";
import { z } from "zod";
import { choice, integer } from "../../common/config/fields.ts";
import { labelKey, labels, labelValue, list, set, text } from "./fields.ts";
import { type Rules, withRules } from "./rule.ts";

const requirementFields = z.strictObject({
  key: labelKey().meta({ description: "the label", example: "app.kubernetes.io/name" }),
  operator: choice(["In", "NotIn", "Exists", "DoesNotExist"]).meta({
    description: "how it is judged",
    example: "In",
  }),
  values: set(labelValue(), { max: 16 })
    .optional()
    .meta({ description: "goes with In and NotIn", example: ["appliance"] }),
});

export const requirementRules = {
  values: {
    path: ["values"],
    cel: "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
    holds: ({ operator, values = [] }) => ["In", "NotIn"].includes(operator) === values.length > 0,
    message: "In and NotIn need values; leave them out with Exists and DoesNotExist",
  },
} satisfies Rules<z.output<typeof requirementFields>>;

/** metav1.LabelSelector; `{}` selects everything. */
export const labelSelector = z
  .strictObject({
    matchLabels: labels()
      .optional()
      .meta({ description: "labels that it must have", example: { app: "appliance" } }),
    matchExpressions: list(withRules(requirementFields, requirementRules), { max: 8 })
      .optional()
      .meta({ description: "what its labels must be as well" }),
  })
  .meta({ typeName: "LabelSelector" });

const cidr = () =>
  text({
    max: 43,
    pattern: /^[0-9a-fA-F.:]+\/[0-9]{1,3}$/,
    expected: "an address and a prefix length, such as 192.0.2.0/24",
    unit: "CIDR",
  });

const ipBlockFields = z.strictObject({
  cidr: cidr().meta({ description: "addresses outside the cluster", example: "192.0.2.0/24" }),
  except: set(cidr(), { max: 8 })
    .optional()
    .meta({ description: "but not these of them", example: ["192.0.2.128/25"] }),
});

export const ipBlockRules = {
  cidr: {
    path: ["cidr"],
    cel: "isCIDR(self.cidr)",
    holds: (self) => isCidr(self.cidr),
    message: "must be an address and a prefix length, such as 192.0.2.0/24 or 2001:db8::/64",
  },
  except: {
    path: ["except"],
    cel:
      "!has(self.except) || !isCIDR(self.cidr) || " +
      "self.except.all(e, isCIDR(e) && e != self.cidr && cidr(self.cidr).containsCIDR(e))",
    holds: ({ cidr, except = [] }) =>
      !isCidr(cidr) ||
      except.every((inner) => isCidr(inner) && inner !== cidr && contains(cidr, inner)),
    message: "each must be a part of cidr and smaller than it",
  },
} satisfies Rules<z.output<typeof ipBlockFields>>;

function isCidr(value: string): boolean {
  const [address = "", bits = ""] = value.split("/");
  if (!/^(?:0|[1-9][0-9]*)$/.test(bits)) return false;
  if (isIPv4(address)) return Number(bits) <= 32;
  // An IPv4 address in IPv6 clothes is none that a policy would match.
  return isIPv6(address) && !address.includes(".") && Number(bits) <= 128;
}

function contains(outer: string, inner: string): boolean {
  const [network = "", bits = ""] = outer.split("/");
  const [address = "", innerBits = ""] = inner.split("/");
  const family = isIPv4(network) ? "ipv4" : "ipv6";
  if ((family === "ipv4") !== isIPv4(address) || Number(innerBits) < Number(bits)) return false;
  const block = new BlockList();
  block.addSubnet(network, Number(bits), family);
  return block.check(address, family);
}

const peerFields = z.strictObject({
  ipBlock: withRules(ipBlockFields, ipBlockRules)
    .optional()
    .meta({ description: "addresses outside the cluster; never those of pods" }),
  namespaceSelector: labelSelector
    .optional()
    .meta({ description: "namespaces by their labels; the bridge's own when left out" }),
  podSelector: labelSelector
    .optional()
    .meta({ description: "pods by their labels; all of the namespaces when left out" }),
});

export const peerRules = {
  oneKind: {
    cel: "has(self.ipBlock) != (has(self.namespaceSelector) || has(self.podSelector))",
    holds: ({ ipBlock, namespaceSelector, podSelector }) =>
      (ipBlock !== undefined) !== (namespaceSelector !== undefined || podSelector !== undefined),
    message: "needs either ipBlock, or namespaceSelector and podSelector or one of them",
  },
} satisfies Rules<z.output<typeof peerFields>>;

/** networking.k8s.io/v1 NetworkPolicyPeer. */
export const networkPeer = withRules(peerFields, peerRules).meta({ typeName: "NetworkPeer" });
export type NetworkPeer = z.output<typeof networkPeer>;

export const networkPeers = (sizes = { min: 0 }) => list(networkPeer, { ...sizes, max: 16 });

/** Where a connection may go, when its URL does not say so. */
export const egress = z
  .strictObject({
    to: networkPeers({ min: 1 }).meta({ description: "what the host name stands for" }),
    ports: set(integer({ min: 1, max: 65_535 }, "port"), { min: 1, max: 8 })
      .optional()
      .meta({
        description: "TCP ports of those, behind a Service's translation",
        example: [443],
        fallback: "the URL's",
      }),
  })
  .meta({ typeName: "Egress" });
export type Egress = z.output<typeof egress>;
