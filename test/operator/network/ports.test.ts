import { client, db, http, judge, onPorts } from "./cases.ts";

judge([
  // Ports
  { says: "the port of the rule", specs: [onPorts(http)], allowed: true },
  { says: "another port", specs: [onPorts(http)], port: 6380, allowed: false },
  { says: "the protocol left out is TCP", specs: [onPorts({ port: 6379 })], allowed: true },
  { says: "and not UDP", specs: [onPorts({ port: 6379 })], protocol: "UDP", allowed: false },
  {
    says: "a protocol without a port: all of its ports",
    specs: [onPorts({ protocol: "UDP" })],
    protocol: "UDP",
    port: 1,
    allowed: true,
  },
  { says: "a named port, as the pod names it", specs: [onPorts({ port: "http" })], allowed: true },
  {
    says: "a named port is no other number",
    specs: [onPorts({ port: "http" })],
    port: 80,
    allowed: false,
  },
  {
    says: "a named port has a protocol",
    specs: [onPorts({ protocol: "TCP", port: "dns" })],
    port: 53,
    allowed: false,
  },
  {
    says: "a named port that the pod lacks matches nothing",
    specs: [onPorts({ port: "metrics" })],
    allowed: false,
  },
  {
    says: "endPort: the first of the range",
    specs: [onPorts({ port: 6379, endPort: 6400 })],
    allowed: true,
  },
  { says: "endPort: the last", specs: [onPorts({ port: 6000, endPort: 6379 })], allowed: true },
  { says: "endPort: one beyond", specs: [onPorts({ port: 6000, endPort: 6378 })], allowed: false },
  {
    says: "peer and port are ANDed",
    specs: [{ podSelector: db, ingress: [{ from: [{ podSelector: {} }], ports: [http] }] }],
    port: 1,
    allowed: false,
  },
  {
    says: "not across rules",
    specs: [
      { podSelector: db, ingress: [{ from: [{ podSelector: client }] }, { ports: [{ port: 1 }] }] },
    ],
    allowed: false,
  },
]);
