import type { GatewayConfigInput } from "../../gateway/config.ts";
import type { Bridge } from "../bridge/schema.ts";
import { compact, fitting, level, programDefaults, seconds } from "./configValues.ts";
import { collectorIdentity, isSimulated } from "./names.ts";
import { buildSupply, type SourceFacts } from "./sources.ts";

interface PairPaths {
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** What a bridge does not say: where things are for the gateway. Addresses are `host:port`. */
export interface GatewayFacts {
  /** Of its sources; used with topology Direct. */
  readonly sources: SourceFacts;
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
  /** Undefined without TLS. */
  readonly tls:
    | (PairPaths & {
        /**
         * The CA that signs collectors' certificates and nothing else; undefined where they show
         * none, as senders of unbound packets may.
         */
        readonly clientCaFile: string | undefined;
      })
    | undefined;
  /** Used when the bridge has one. */
  readonly redis?: {
    readonly passwordFile: string | undefined;
    readonly caFile: string | undefined;
    /** Bridges that share a server have one each. */
    readonly keyPrefix: string;
  };
  /** A duration; the program's default when undefined. */
  readonly shutdownGrace?: string;
}

/** The config file of a bridge's gateway. What the bridge leaves out gets the program's default. */
export function buildGatewayConfig(bridge: Bridge, facts: GatewayFacts): GatewayConfigInput {
  const { gateway, topology, sources } = bridge.spec;
  const { rateLimit, conditioning } = gateway;
  return compact({
    listen_address: facts.listenAddress,
    tls: facts.tls && serverFiles(facts.tls),
    buffer_size: gateway.bufferBytes,
    max_age: seconds(gateway.maxAgeSeconds),
    overflow: gateway.overflow,
    conditioning,
    min_entropy_millibits_per_byte:
      conditioning === "Hash"
        ? Math.min(...sources.map((source) => source.minEntropyMillibitsPerByte))
        : undefined,
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
    dashboard: gateway.dashboard?.enabled,
    mcp: {
      enabled: gateway.mcp?.enabled,
      allowed_origins: gateway.mcp?.allowedOrigins,
      allowed_hosts: gateway.mcp?.allowedHosts,
    },
    redis: gateway.redis && {
      url: gateway.redis.url,
      password_file: facts.redis?.passwordFile,
      ca_file: facts.redis?.caFile,
      key_prefix: facts.redis?.keyPrefix,
    },
    simulated: isSimulated(bridge) ? true : undefined,
    management_address: facts.managementAddress,
    log_level: level(gateway.logLevel),
    shutdown_grace: facts.shutdownGrace,
  });
}

function buildDirect(bridge: Bridge, facts: GatewayFacts): Partial<GatewayConfigInput> {
  const supply = buildSupply(bridge, facts.sources, bridge.spec.gateway.bufferBytes);
  return { deployment_mode: "Direct", direct_mode_config: supply };
}

function buildPush(bridge: Bridge, facts: GatewayFacts): Partial<GatewayConfigInput> {
  const { gateway } = bridge.spec;
  return {
    deployment_mode: "Push",
    key_ring_file: facts.push.keyRingFile,
    push: {
      listen_address: facts.push.listenAddress,
      audience: gateway.push?.audience,
      accept_unbound: gateway.push?.acceptUnbound,
      max_packet_size: fitting(undefined, programDefaults.maxPacketSize, gateway.bufferBytes),
      window: { future: facts.push.windowFuture },
      state_file: facts.push.stateFile,
      tls: facts.tls && {
        ...serverFiles(facts.tls),
        ...clientCheck(bridge, facts.tls.clientCaFile),
      },
    },
  };
}

function serverFiles({ certificateFile, keyFile }: PairPaths) {
  return { certificate_file: certificateFile, key_file: keyFile };
}

function clientCheck(bridge: Bridge, caFile: string | undefined) {
  if (caFile === undefined) return { client_auth: "none" } as const;
  return {
    client_auth: "require",
    client_ca_file: caFile,
    client_name: bridge.spec.gateway.push?.clientName ?? collectorIdentity(bridge),
  } as const;
}
