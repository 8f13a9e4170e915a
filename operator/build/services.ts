import type { Service, ServicePort, ServiceSpec } from "kubernetes-types/core/v1.js";
import type { BridgeSpec } from "../bridge/spec.ts";
import type { Facts } from "./facts.ts";
import { type Labels, type Owned, ownedMetadata, programPods, servingPods } from "./metadata.ts";
import { collectorName, gatewayName, managementName, pushServiceName } from "./names.ts";
import { ports } from "./ports.ts";
import type { Program } from "./settings.ts";

type GivenService = NonNullable<BridgeSpec["gateway"]["service"]>;

/** What a ServiceMonitor selects Services by, beside their bridge. */
export const scrapedLabel = { "qrngbridge.io/scraped": "true" };

/** The API, for clients. */
export function buildApiService(facts: Facts): Owned<Service> {
  const { service } = facts.bridge.spec.gateway;
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: ownedMetadata(facts, gatewayName(facts.bridge), {
      component: "gateway",
      annotations: service?.annotations,
    }),
    spec: { ...exposure(service), selector: servingPods(facts), ports: [tlsPort(ports.api)] },
  };
}

/**
 * The push port: one DNS answer for each gateway, also for one that is not ready, since the first
 * bytes make it so. One address family, that of the address which the gateway is pushed to by.
 */
export function buildPushService(facts: Facts): Owned<Service> {
  const service = facts.bridge.spec.gateway.push?.service;
  const isHeadless = service === undefined || service.type === "ClusterIP";
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: ownedMetadata(facts, pushServiceName(facts.bridge), {
      component: "gateway",
      annotations: service?.annotations,
    }),
    spec: {
      ...(isHeadless ? headless : exposure(service)),
      ipFamilyPolicy: "SingleStack",
      publishNotReadyAddresses: true,
      selector: servingPods(facts),
      ports: [tlsPort(ports.push)],
    },
  };
}

/** The gateways' management ports, each by itself. */
export function buildGatewayManagement(facts: Facts): Owned<Service> {
  return buildManagement(facts, {
    name: managementName(facts.bridge),
    program: "gateway",
    selector: servingPods(facts),
  });
}

/** The collector's; its only door, which `monitoring.scrapeFrom` opens. */
export function buildCollectorManagement(facts: Facts): Owned<Service> {
  return buildManagement(facts, {
    name: collectorName(facts.bridge),
    program: "collector",
    selector: programPods(facts, "collector"),
  });
}

interface Management {
  readonly name: string;
  readonly program: Program;
  readonly selector: Labels;
}

function buildManagement(facts: Facts, { name, program, selector }: Management): Owned<Service> {
  const { name: port, number } = ports.management;
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: ownedMetadata(facts, name, { component: program, labels: scrapedLabel }),
    spec: {
      ...headless,
      publishNotReadyAddresses: true,
      selector: { ...selector },
      ports: [servicePort({ name: port, number: number[program] }, "http")],
    },
  };
}

const headless: ServiceSpec = { type: "ClusterIP", clusterIP: "None" };

/** From outside, policies have to see who connects: no node may put its own address in its place. */
function exposure({ type }: Pick<GivenService, "type"> = { type: "ClusterIP" }): ServiceSpec {
  return type === "ClusterIP" ? { type } : { type, externalTrafficPolicy: "Local" };
}

const tlsPort = (port: { name: string; number: number }) => servicePort(port, "https");

function servicePort(
  { name, number }: { name: string; number: number },
  appProtocol: "http" | "https",
): ServicePort {
  return { name, port: number, targetPort: name, protocol: "TCP", appProtocol };
}
