import type { GatewayConfigInput } from "../../gateway/config.ts";
import type { Bridge } from "../bridge/schema.ts";
import { collectorName, isSimulated } from "./bridge.ts";
import { compact, fitting, level, programDefaults, seconds } from "./configValues.ts";
import { buildSources, type CaFiles } from "./sources.ts";

/** What a bridge does not say: where things are for the gateway. Addresses are `host:port`. */
export interface GatewayFacts {
  /** Of its sources; used with topology Direct. */
  readonly caFiles: CaFiles;
  readonly listenAddress: string;
  readonly managementAddress: string;
  readonly apiKeysFile: string;
  /** Used unless the topology is Direct. */
  readonly push: {
    readonly listenAddress: string;
    readonly keyRingFile: string;
    readonly stateFile: string;
    /** A duration: how far a collector's clock may be ahead; the program's default when undefined. */
    readonly windowFuture?: string;
  };
  /** Used when the bridge asks for TLS. */
  readonly tls: {
    readonly certificateFile: string;
    readonly keyFile: string;
    /** The CA that signs collectors' certificates and nothing else. */
    readonly clientCaFile: string;
  };
  /** A duration; the program's default when undefined. */
  readonly shutdownGrace?: string;
}

/** The config file of a bridge's gateway. What the bridge leaves out gets the program's default. */
export function buildGatewayConfig(bridge: Bridge, facts: GatewayFacts): GatewayConfigInput {
  const { gateway, topology, tls } = bridge.spec;
  const { rateLimit } = gateway;
  return compact({
    listen_address: facts.listenAddress,
    tls: tls && serverFiles(facts),
    buffer_size: gateway.bufferBytes,
    max_age: seconds(gateway.maxAgeSeconds),
    overflow: gateway.overflow,
    ...(topology === "Direct" ? buildDirect(bridge, facts) : buildPush(bridge, facts)),
    api_keys_file: facts.apiKeysFile,
    allow_query_key: gateway.allowQueryKey,
    max_request_bytes: fitting(
      gateway.maxRequestBytes,
      programDefaults.maxRequestBytes,
      gateway.bufferBytes,
    ),
    rate_limit: {
      requests_per_second: rateLimit?.requestsPerSecond,
      burst: rateLimit?.burst,
      bytes_per_second: rateLimit?.bytesPerSecond,
    },
    simulated: isSimulated(bridge) ? true : undefined,
    management_address: facts.managementAddress,
    log_level: level(gateway.logLevel),
    shutdown_grace: facts.shutdownGrace,
  });
}

function buildDirect(bridge: Bridge, { caFiles }: GatewayFacts): Partial<GatewayConfigInput> {
  const sources = buildSources(bridge, caFiles, bridge.spec.gateway.bufferBytes);
  return { deployment_mode: "Direct", direct_mode_config: { sources } };
}

function buildPush(bridge: Bridge, facts: GatewayFacts): Partial<GatewayConfigInput> {
  const { gateway, tls } = bridge.spec;
  return {
    deployment_mode: "Push",
    key_ring_file: facts.push.keyRingFile,
    push: {
      listen_address: facts.push.listenAddress,
      accept_unbound: gateway.push?.acceptUnbound,
      max_packet_size: fitting(undefined, programDefaults.maxPacketSize, gateway.bufferBytes),
      window: { future: facts.push.windowFuture },
      state_file: facts.push.stateFile,
      tls: tls && {
        ...serverFiles(facts),
        client_auth: "require",
        client_ca_file: facts.tls.clientCaFile,
        client_name: collectorName(bridge),
      },
    },
  };
}

function serverFiles({ tls }: GatewayFacts) {
  return { certificate_file: tls.certificateFile, key_file: tls.keyFile };
}
