import type { Deployment } from "kubernetes-types/apps/v1.js";
import { createHash } from "node:crypto";
import { stringify } from "yaml";
import { buildConfigMap } from "./configMap.ts";
import { buildDeployment } from "./deployment.ts";
import type { Facts } from "./facts.ts";
import { configFile, gatewayFiles, listFiles, ringFile } from "./files.ts";
import { buildGatewayConfig, type GatewayFacts } from "./gatewayConfig.ts";
import type { Owned, OwnedObject } from "./metadata.ts";
import { gatewayConfigName, gatewayName } from "./names.ts";
import { buildPodTemplate, shutdownSeconds } from "./pod.ts";
import { containerPort, everyAddress, podAddress, ports } from "./ports.ts";
import { sourceFacts } from "./sourceFacts.ts";

const configKey = "gateway.yaml";
const stateFolder = "/var/lib/qrng-bridge";

/** The gateways' ConfigMap and Deployment. */
export function buildGateways(facts: Facts): OwnedObject[] {
  const { bridge } = facts;
  const text = stringify(buildGatewayConfig(bridge, gatewayFacts(facts)));
  return [
    buildConfigMap(facts, gatewayConfigName(bridge), {
      component: "gateway",
      data: { [configKey]: text },
    }),
    buildGatewayDeployment(facts, text),
  ];
}

function gatewayFacts(facts: Facts): GatewayFacts {
  const files = gatewayFiles(facts);
  return {
    sources: sourceFacts(files.sources),
    listenAddress: `${everyAddress}:${ports.api.number}`,
    managementAddress: `${everyAddress}:${ports.management.number.gateway}`,
    apiKeysFile: files.keyHashes.path,
    push: {
      listenAddress: `${podAddress}:${ports.push.number}`,
      keyRingFile: ringFile(facts).path,
      stateFile: `${stateFolder}/push-horizon`,
    },
    tls: {
      certificateFile: files.leaf.certificate.path,
      keyFile: files.leaf.key.path,
      clientCaFile: files.push?.clientCa?.path,
    },
    redis: {
      passwordFile: files.redisAuth?.path,
      caFile: files.redisCa?.path,
      keyPrefix: redisPrefix(facts),
    },
    shutdownGrace: `${shutdownSeconds}s`,
  };
}

/** Short enough for the program, and no other bridge's. */
function redisPrefix({ bridge: { metadata } }: Facts): string {
  const id = createHash("sha256").update(`${metadata.namespace}/${metadata.name}`).digest("hex");
  return `qrng-${id.slice(0, 16)}:`;
}

function buildGatewayDeployment(facts: Facts, configText: string): Owned<Deployment> {
  const { bridge } = facts;
  const { suspend, topology, gateway } = bridge.spec;
  const isPushed = topology !== "Direct";
  const management = { ...ports.management, number: ports.management.number.gateway };
  const listeners = [ports.api, ...(isPushed ? [ports.push] : []), management];
  return buildDeployment(facts, gatewayName(bridge), {
    program: "gateway",
    replicas: suspend ? 0 : gateway.replicas,
    oneAtATime: sharesAudience(facts),
    template: buildPodTemplate(facts, {
      program: "gateway",
      config: configFile(gatewayConfigName(bridge), configKey),
      configText,
      files: listFiles(gatewayFiles(facts)),
      container: {
        ports: listeners.map(containerPort),
        ...(isPushed && {
          env: [{ name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } }],
          scratch: { state: stateFolder },
        }),
      },
    }),
  });
}

/** Two such pods at once could each take the same packet. */
function sharesAudience({ bridge: { spec } }: Facts): boolean {
  return spec.topology === "GatewayOnly" || spec.gateway.push?.acceptUnbound === true;
}
