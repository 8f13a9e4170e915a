import { z } from "zod";
import { choice, flag, integer } from "../../common/config/fields.ts";
import { labels } from "./fields.ts";
import { networkPeers } from "./network.ts";

/** How the bytes of sources are judged and mixed, and how the bridge itself is watched. */
export const mixing = z.strictObject({
  strategy: choice(["None", "Xor", "Hash"]).default("None").meta({
    description: "sources in turn, XOR of equal lengths, or SHA-512 over enough of each",
    example: "Hash",
  }),
  minSources: integer({ min: 1, max: 16 }, "sources").optional().meta({
    description: "how many healthy sources a byte is mixed from, never fewer; with Xor and Hash",
    example: 2,
    fallback: "all of them",
  }),
});

export const healthTests = z.strictObject({
  alphaExponent: integer({ min: 20, max: 60 }, "2^-n").default(40).meta({
    description: "false alarms per test of good bytes: 2^-alphaExponent",
    example: 40,
  }),
});

const monitor = (meaning: string) =>
  z
    .strictObject({
      enabled: flag().default(true).meta({
        description: "whether it is made, where the cluster knows its kind",
        example: false,
      }),
      labels: labels()
        .optional()
        .meta({ description: "labels that select it", example: { release: "prometheus" } }),
    })
    .optional()
    .meta({ description: meaning });

export const monitoring = z.strictObject({
  serviceMonitor: monitor("what Prometheus scrapes"),
  prometheusRule: monitor("alerts"),
  dashboard: monitor("a ConfigMap with a Grafana dashboard"),
  scrapeFrom: networkPeers().optional().meta({
    description:
      "who may connect to the management ports, such as Prometheus; nobody when left out, and then a ServiceMonitor finds them closed",
  }),
});

export const oneWayCheck = z.strictObject({
  intervalSeconds: integer({ min: 600, max: 2_592_000 }, "seconds").default(86_400).meta({
    description: "time between two checks that nothing gets through the wrong way",
    example: 86_400,
  }),
  enforcement: choice(["Report", "Require"]).default("Report").meta({
    description: "Require keeps the collector at 0 pods until the check has passed",
    example: "Require",
  }),
});
