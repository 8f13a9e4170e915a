import type { CollectorConfigInput } from "../../collector/config.ts";
import type { Bridge } from "../bridge/schema.ts";
import { compact, fitting, level, programDefaults, seconds } from "./configValues.ts";
import { buildSources, type CaFiles } from "./sources.ts";

/** What a bridge does not say: where things are for the collector. */
export interface CollectorFacts {
  readonly caFiles: CaFiles;
  readonly keyRingFile: string;
  /** The gateway's push listener. */
  readonly pushUrl: string;
  /** Used when the bridge asks for TLS. */
  readonly tls: {
    /** The CA that signs the gateway's certificate. */
    readonly caFile: string;
    readonly certificateFile: string;
    readonly keyFile: string;
  };
  /** `host:port` */
  readonly managementAddress: string;
  /** A duration; the program's default when undefined. */
  readonly shutdownGrace?: string;
}

/** The config file of a bridge's collector. What the bridge leaves out gets the program's default. */
export function buildCollectorConfig(bridge: Bridge, facts: CollectorFacts): CollectorConfigInput {
  const { collector = {}, gateway, tls } = bridge.spec;
  return compact({
    sources: buildSources(bridge, facts.caFiles, collector.bufferBytes),
    buffer_size: collector.bufferBytes,
    max_age: seconds(collector.maxAgeSeconds),
    push_url: facts.pushUrl,
    key_ring_file: facts.keyRingFile,
    push: {
      packet_size: fitting(
        collector.packetBytes,
        programDefaults.packetSize,
        collector.bufferBytes,
        gateway.bufferBytes,
      ),
      tls: tls && {
        ca_file: facts.tls.caFile,
        certificate_file: facts.tls.certificateFile,
        key_file: facts.tls.keyFile,
      },
    },
    management_address: facts.managementAddress,
    log_level: level(collector.logLevel),
    shutdown_grace: facts.shutdownGrace,
  });
}
