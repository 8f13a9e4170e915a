import type { Deployment } from "kubernetes-types/apps/v1.js";
import { stringify } from "yaml";
import { buildCollectorConfig } from "./collectorConfig.ts";
import { buildConfigMap } from "./configMap.ts";
import { buildDeployment } from "./deployment.ts";
import type { Facts } from "./facts.ts";
import { collectorFiles, configFile, listFiles } from "./files.ts";
import type { Owned, OwnedObject } from "./metadata.ts";
import { collectorConfigName, collectorName, pushHost } from "./names.ts";
import { buildPodTemplate, shutdownSeconds } from "./pod.ts";
import { containerPort, everyAddress, ports } from "./ports.ts";
import { sourceFacts } from "./sourceFacts.ts";

const configKey = "collector.yaml";

/** The collector's ConfigMap and Deployment. */
export function buildCollector(facts: Facts): OwnedObject[] {
  const { bridge } = facts;
  const text = collectorText(facts);
  return [
    buildConfigMap(facts, collectorConfigName(bridge), {
      component: "collector",
      data: { [configKey]: text },
    }),
    buildCollectorDeployment(facts, text),
  ];
}

function collectorText(facts: Facts): string {
  const { bridge } = facts;
  const files = collectorFiles(facts);
  const config = buildCollectorConfig(bridge, {
    sources: sourceFacts(files.sources, files.proxyAuth),
    keyRingFile: files.ring.path,
    pushUrls: bridge.spec.collector?.push?.urls ?? [
      `https://${pushHost(bridge)}:${ports.push.number}/push`,
    ],
    tls: {
      caFile: files.gatewayCa?.path,
      certificateFile: files.leaf.certificate.path,
      keyFile: files.leaf.key.path,
    },
    managementAddress: `${everyAddress}:${ports.management.number.collector}`,
    shutdownGrace: `${shutdownSeconds}s`,
  });
  return stringify(config);
}

/** One pod, and the next only when it is gone: sources are asked by one client at a time. */
function buildCollectorDeployment(facts: Facts, configText: string): Owned<Deployment> {
  const { bridge, isVerified } = facts;
  const { suspend, oneWayCheck } = bridge.spec;
  const isHeldBack = oneWayCheck?.enforcement === "Require" && !isVerified;
  const management = { ...ports.management, number: ports.management.number.collector };
  return buildDeployment(facts, collectorName(bridge), {
    program: "collector",
    replicas: suspend || isHeldBack ? 0 : 1,
    oneAtATime: true,
    template: buildPodTemplate(facts, {
      program: "collector",
      config: configFile(collectorConfigName(bridge), configKey),
      configText,
      files: listFiles(collectorFiles(facts)),
      container: { ports: [containerPort(management)] },
    }),
  });
}
