import { join } from "node:path";
import { stringify } from "yaml";
import type { Bridge } from "../operator/bridge/schema.ts";
import { buildCollectorConfig } from "../operator/build/collectorConfig.ts";
import { buildGatewayConfig } from "../operator/build/gatewayConfig.ts";
import type { SourceFacts } from "../operator/build/sources.ts";
import { type Appliance, placeAppliances } from "./appliances.ts";
import type { BridgeFile } from "./bridgeFile.ts";
import type { Children } from "./children.ts";
import type { Directory } from "./directory.ts";
import type { Options } from "./flags.ts";
import { ensureApiKey, ensureKeyRing } from "./keys.ts";
import { writePrivate } from "./privateFile.ts";
import { applianceProgram, collectorProgram, gatewayProgram } from "./programs.ts";
import {
  type BridgeTrust,
  type SourceFiles,
  writeApplianceTrust,
  writeBridgeTrust,
  writeSourceFiles,
} from "./trust.ts";

export const loopback = "127.0.0.1";
/** Nobody's work is lost when a trial stops, so Ctrl-C need not wait for buffers to drain. */
const shutdownGrace = "500ms";

/** What a launch has to work with. */
export interface Site {
  readonly options: Options;
  readonly file: BridgeFile;
  readonly appliances: readonly Appliance[];
  readonly directory: Directory;
  readonly children: Children;
}

/** What listens where; addresses are URLs. */
export interface Started {
  /** The bridge's name. */
  readonly bridge: string;
  readonly api: string;
  readonly apiKey: string;
  /** The CA of the API's certificate, where it has one. */
  readonly caFile: string | undefined;
  readonly push: string | undefined;
  /** The key ring, where packets of others are taken. */
  readonly unboundKeyRing: string | undefined;
  readonly management: string;
}

/** The bridge as it is here, and the files that it needs. */
interface Prepared {
  readonly bridge: Bridge;
  readonly sources: SourceFacts;
  readonly trust: BridgeTrust;
}

/** Starts all programs of a bridge, those first that the others connect to. */
export async function startPrograms(site: Site): Promise<Started> {
  const { keyRing, apiKey: apiKeyFile, certificates } = site.directory;
  const { bridge, sources } = await startAppliances(site);
  const { tls, topology, gateway } = bridge.spec;
  const unbound = gateway.push?.acceptUnbound === true;
  const apiKey = await ensureApiKey(apiKeyFile);
  if (topology !== "Direct") await ensureKeyRing(keyRing, { unbound });
  const prepared = { bridge, sources, trust: await writeBridgeTrust(certificates, bridge) };
  const { api, management, push } = await startGateway(site, prepared);
  const scheme = tls === undefined ? "http" : "https";
  const pushUrl = push === undefined ? undefined : `${scheme}://${push}/push`;
  if (pushUrl !== undefined) await startCollector(site, prepared, pushUrl);
  return {
    bridge: bridge.metadata.name,
    api: `${scheme}://${api}`,
    apiKey,
    caFile: tls === undefined ? undefined : prepared.trust.collector.caFile,
    push: pushUrl,
    unboundKeyRing: unbound ? keyRing : undefined,
    management: `http://${management}`,
  };
}

/** @returns the bridge with its simulated sources where they listen, and all sources' files */
async function startAppliances({ file, appliances, directory, children }: Site) {
  const { certificates } = directory;
  const { cas, credentials } = file;
  const given = await writeSourceFiles(certificates, cas, (source) => `ca-source-${source}.pem`);
  const auths = await writeSourceFiles(directory.root, credentials, (source) => `source-${source}`);
  const { caFiles, pairs } = await writeApplianceTrust(certificates, appliances);
  const starting = appliances.map(async (appliance) => {
    const program = applianceProgram(directory, appliance, pairs.get(appliance.source)!);
    const [address = ""] = await children.start(program, ["appliance"]);
    return [appliance.source, address] as const;
  });
  await Promise.allSettled(starting); // where one fails, the others are not left at work
  const addresses = new Map(await Promise.all(starting));
  return {
    bridge: placeAppliances(file.bridge, addresses),
    sources: sourceFacts({ ...given, ...caFiles }, auths),
  };
}

async function startGateway({ options, directory, children }: Site, prepared: Prepared) {
  const { bridge, sources, trust } = prepared;
  const { ports } = options;
  const config = buildGatewayConfig(bridge, {
    sources,
    listenAddress: `${loopback}:${ports.api}`,
    managementAddress: `${loopback}:${ports.management}`,
    apiKeysFile: directory.apiKey,
    push: {
      listenAddress: `${loopback}:${ports.push}`,
      keyRingFile: directory.keyRing,
      stateFile: join(directory.state, "push-horizon"),
      windowFuture: "0ms", // both sides read the same clock
    },
    tls: bridge.spec.tls && trust.gateway,
    shutdownGrace,
  });
  await writeConfig(directory.gatewayConfig, config);
  const listeners = ["api", "management", ...(bridge.spec.topology === "Direct" ? [] : ["push"])];
  const [api, management, push] = await children.start(gatewayProgram(directory), listeners);
  return { api, management, push };
}

async function startCollector({ directory, children }: Site, prepared: Prepared, pushUrl: string) {
  const { bridge, sources, trust } = prepared;
  const config = buildCollectorConfig(bridge, {
    sources,
    keyRingFile: directory.keyRing,
    pushUrls: [pushUrl],
    tls: bridge.spec.tls && trust.collector,
    managementAddress: `${loopback}:0`,
    shutdownGrace,
  });
  await writeConfig(directory.collectorConfig, config);
  await children.start(collectorProgram(directory), ["management"]);
}

function sourceFacts(cas: SourceFiles, auths: SourceFiles): SourceFacts {
  const names = new Set([...Object.keys(cas), ...Object.keys(auths)]);
  const paths = [...names].map(
    (source) => [source, { caFile: cas[source], authFile: auths[source] }] as const,
  );
  return { paths: Object.fromEntries(paths) };
}

async function writeConfig(path: string, config: object): Promise<void> {
  await writePrivate(path, `# Written by npm start, which replaces it.\n${stringify(config)}`);
}
