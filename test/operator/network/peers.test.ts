import {
  alice,
  bob,
  client,
  excepted,
  friend,
  from,
  judge,
  office,
  project,
  requires,
  stranger,
  v6,
} from "./cases.ts";

judge([
  // Peers
  {
    says: "podSelector alone: pods of the policy's namespace",
    specs: [from({ podSelector: { matchLabels: { role: "frontend" } } })],
    from: friend,
    allowed: true,
  },
  {
    says: "and none with other labels",
    specs: [from({ podSelector: { matchLabels: { role: "frontend" } } })],
    from: stranger,
    allowed: false,
  },
  {
    says: "and none of another namespace",
    specs: [from({ podSelector: client })],
    from: alice,
    allowed: false,
  },
  {
    says: "an empty podSelector: all of the policy's namespace",
    specs: [from({ podSelector: {} })],
    from: stranger,
    allowed: true,
  },
  { says: "but none of another", specs: [from({ podSelector: {} })], from: alice, allowed: false },
  { says: "nor anybody outside", specs: [from({ podSelector: {} })], from: office, allowed: false },
  {
    says: "namespaceSelector alone: all pods of those namespaces",
    specs: [from({ namespaceSelector: project })],
    from: bob,
    allowed: true,
  },
  {
    says: "and not of the policy's own",
    specs: [from({ namespaceSelector: project })],
    from: friend,
    allowed: false,
  },
  {
    says: "an empty namespaceSelector: pods everywhere",
    specs: [from({ namespaceSelector: {} })],
    from: bob,
    allowed: true,
  },
  {
    says: "but nobody outside",
    specs: [from({ namespaceSelector: {} })],
    from: office,
    allowed: false,
  },
  {
    says: "both in one peer mean AND: the pod fits",
    specs: [from({ namespaceSelector: project, podSelector: client })],
    from: alice,
    allowed: true,
  },
  {
    says: "AND: the namespace fits only",
    specs: [from({ namespaceSelector: project, podSelector: client })],
    from: bob,
    allowed: false,
  },
  {
    says: "AND: the labels fit only",
    specs: [
      from({ namespaceSelector: project, podSelector: { matchLabels: { role: "frontend" } } }),
    ],
    from: friend,
    allowed: false,
  },
  {
    says: "two peers mean OR: by namespace",
    specs: [
      from({ namespaceSelector: project }, { podSelector: { matchLabels: { role: "frontend" } } }),
    ],
    from: bob,
    allowed: true,
  },
  {
    says: "OR: by pod",
    specs: [
      from({ namespaceSelector: project }, { podSelector: { matchLabels: { role: "frontend" } } }),
    ],
    from: friend,
    allowed: true,
  },
  {
    says: "namespaces are known by their name",
    specs: [
      from({ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "myproject" } } }),
    ],
    from: bob,
    allowed: true,
  },
  {
    says: "and no other is",
    specs: [
      from({ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "myproject" } } }),
    ],
    from: stranger,
    allowed: false,
  },
  // Label selectors
  {
    says: "In: one of the values",
    specs: [requires({ key: "role", operator: "In", values: ["x", "frontend"] })],
    from: friend,
    allowed: true,
  },
  {
    says: "In: a label that is not there",
    specs: [requires({ key: "role", operator: "In", values: ["x"] })],
    from: stranger,
    allowed: false,
  },
  {
    says: "NotIn: also a label that is not there",
    specs: [requires({ key: "role", operator: "NotIn", values: ["frontend"] })],
    from: stranger,
    allowed: true,
  },
  {
    says: "NotIn: one of the values",
    specs: [requires({ key: "role", operator: "NotIn", values: ["frontend"] })],
    from: friend,
    allowed: false,
  },
  {
    says: "Exists",
    specs: [requires({ key: "role", operator: "Exists" })],
    from: stranger,
    allowed: false,
  },
  {
    says: "DoesNotExist",
    specs: [requires({ key: "role", operator: "DoesNotExist" })],
    from: stranger,
    allowed: true,
  },
  {
    says: "matchLabels and matchExpressions are ANDed",
    specs: [
      from({
        podSelector: {
          matchLabels: { role: "frontend" },
          matchExpressions: [{ key: "role", operator: "DoesNotExist" }],
        },
      }),
    ],
    from: friend,
    allowed: false,
  },
  // ipBlock
  {
    says: "an address in the block",
    specs: [from({ ipBlock: { cidr: "172.17.0.0/16", except: ["172.17.1.0/24"] } })],
    from: office,
    allowed: true,
  },
  {
    says: "an address in except",
    specs: [from({ ipBlock: { cidr: "172.17.0.0/16", except: ["172.17.1.0/24"] } })],
    from: excepted,
    allowed: false,
  },
  {
    says: "except takes away from its own peer only",
    specs: [
      from(
        { ipBlock: { cidr: "172.17.0.0/16", except: ["172.17.1.0/24"] } },
        { ipBlock: { cidr: "172.17.1.9/32" } },
      ),
    ],
    from: excepted,
    allowed: true,
  },
  {
    says: "an address beyond the block",
    specs: [from({ ipBlock: { cidr: "172.16.0.0/16" } })],
    from: office,
    allowed: false,
  },
  {
    says: "an IPv6 block",
    specs: [from({ ipBlock: { cidr: "2001:db8::/64" } })],
    from: v6,
    allowed: true,
  },
  {
    says: "0.0.0.0/0 holds no IPv6 address",
    specs: [from({ ipBlock: { cidr: "0.0.0.0/0" } })],
    from: v6,
    allowed: false,
  },
  {
    says: "a block does not select pods",
    specs: [from({ ipBlock: { cidr: "10.0.0.0/8" } })],
    from: friend,
    allowed: false,
  },
  {
    says: "unless the network plugin takes it so",
    specs: [from({ ipBlock: { cidr: "10.0.0.0/8" } })],
    from: friend,
    allowed: true,
    world: { ipBlocksMatchPods: true },
  },
]);
