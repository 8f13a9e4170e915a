import { isIP } from "node:net";
import { z } from "zod";
import { address, url } from "../common/config/fields.ts";
import { logLevels } from "../common/log/logger.ts";
import { version } from "../common/version.ts";
import { defaultFsGroup, defaultRunbooks, type DnsServers } from "./build/settings.ts";

const list = z.string().transform((text) => text.split(",").filter((part) => part !== ""));
const name = z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, "must be a name");
const image = z.string().regex(/^[!-~]{1,512}$/, "must be an image's name");
const label = z
  .string()
  .regex(/^[-./A-Za-z0-9]{1,317}=[-._A-Za-z0-9]{0,63}$/, "must be labels such as team=physics");
const labels = list
  .pipe(z.array(label))
  .transform((pairs) => Object.fromEntries(pairs.map(splitLabel)));
const onOff = z
  .enum(["true", "false"], "must be true or false")
  .transform((text) => text === "true");
const whole = (min: number, max: number) => {
  const expected = `must be a whole number, ${min} … ${max}`;
  return z
    .string()
    .regex(/^\d{1,10}$/, expected)
    .transform(Number)
    .refine((value) => value >= min && value <= max, expected);
};
const fsGroup = z.union(
  [z.literal("none").transform(() => undefined), whole(1, 2 ** 31 - 1)],
  "must be none or a group's number",
);
const dns = list.pipe(z.array(z.string().transform(readDns)));

/** The operator's flags: texts in, values out; the descriptions are those of `--help`. */
export const flags = z.strictObject({
  namespaces: list
    .pipe(z.array(name))
    .optional()
    .describe(
      "namespaces whose bridges are looked after, with commas; the operator's own when left out",
    ),
  "all-namespaces": onOff
    .prefault("false")
    .describe("look after the bridges of all namespaces; takes a ClusterRole"),
  "operator-namespace": name
    .optional()
    .describe("where the operator runs; what POD_NAMESPACE says when left out"),
  "operator-labels": labels
    .prefault("app.kubernetes.io/name=qrng-bridge-operator")
    .describe("labels of the operator's pods, which gateways let in to their management port"),
  registry: image.optional().describe("registry of the programs' images, before their names"),
  "collector-image": image
    .prefault(`qrng-bridge/collector:${version}`)
    .describe("the collector's image, where the bridge names none"),
  "gateway-image": image
    .prefault(`qrng-bridge/gateway:${version}`)
    .describe("the gateway's image, where the bridge names none"),
  "image-pull-secrets": list
    .pipe(z.array(name))
    .prefault("")
    .describe("Secrets in the bridges' namespaces with the registry's credentials, with commas"),
  labels: labels
    .refine(
      (given) => !Object.keys(given).some((key) => key.startsWith("qrngbridge.io/")),
      "labels that begin with qrngbridge.io/ are the operator's; leave them out",
    )
    .prefault("")
    .describe("labels on every object and pod, such as team=physics, with commas"),
  "fs-group": fsGroup
    .prefault(String(defaultFsGroup))
    .describe(
      "the group that may read mounted Secrets; none where the cluster picks it (OpenShift)",
    ),
  "cluster-domain": name.prefault("cluster.local").describe("the cluster's DNS domain"),
  dns: dns
    .prefault(
      "kube-system/k8s-app=kube-dns:53,openshift-dns/dns.operator.openshift.io/daemonset-dns=default:5353",
    )
    .describe(
      "DNS servers that pods may ask, with commas: namespace/label=value:port, or CIDR:port such as 169.254.20.10/32:53",
    ),
  runbooks: url()
    .transform((text) => text.replace(/\/$/, ""))
    .prefault(defaultRunbooks)
    .describe("where docs/runbooks can be read, such as a fork or a mirror: alerts lead there"),
  workers: whole(1, 64).prefault("4").describe("bridges that are worked on at the same time"),
  "leader-election": onOff
    .prefault("true")
    .describe("whether another operator may run, of which one works"),
  "lease-name": name
    .prefault("qrng-bridge-operator")
    .describe("the Lease of that election, in the operator's namespace"),
  "management-address": address()
    .prefault("[::]:9466")
    .describe("where /metrics, /healthz and /readyz are"),
  "gateway-seconds": whole(1, 3600)
    .prefault("30")
    .describe("seconds between two looks at gateways, for whether bytes flow"),
  "discovery-seconds": whole(1, 3600)
    .prefault("60")
    .describe("seconds between two looks for kinds such as ServiceMonitor"),
  "log-level": z
    .enum(logLevels, `must be one of ${logLevels.join(", ")}`)
    .prefault("info")
    .describe(`how much is logged: ${logLevels.join(", ")}`),
  kubeconfig: z
    .string()
    .min(1)
    .optional()
    .describe("a kubeconfig file; the pod's own ServiceAccount when left out"),
  context: z
    .string()
    .min(1)
    .optional()
    .describe("the kubeconfig's context; its current one when left out"),
});

function splitLabel(pair: string): [string, string] {
  const [key = "", value = ""] = pair.split("=", 2);
  return [key, value];
}

function readDns(text: string, context: z.RefinementCtx): DnsServers {
  const [, peer = "", port = ""] = /^(.*):(\d{1,5})$/.exec(text) ?? [];
  const at = peer.indexOf("/");
  const [before, behind] = [peer.slice(0, at), peer.slice(at + 1)];
  if (isIP(before) !== 0 && /^\d{1,3}$/.test(behind)) {
    return { to: { ipBlock: { cidr: peer } }, port: Number(port) };
  }
  if (name.safeParse(before).success && label.safeParse(behind).success) {
    const [key, value] = splitLabel(behind);
    const namespaceSelector = { matchLabels: { "kubernetes.io/metadata.name": before } };
    return {
      to: { namespaceSelector, podSelector: { matchLabels: { [key]: value } } },
      port: Number(port),
    };
  }
  const expected = "must be namespace/label=value:port or CIDR:port";
  context.addIssue({ code: "custom", message: expected });
  return z.NEVER;
}
