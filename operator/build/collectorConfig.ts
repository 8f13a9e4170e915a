import type { CollectorConfigInput } from "../../collector/config.ts";
import type { Bridge } from "../bridge/schema.ts";
import { compact, fitting, level, programDefaults, seconds } from "./configValues.ts";
import { buildSupply, type SourceFacts } from "./sources.ts";

/** What a bridge does not say: where things are for the collector. */
export interface CollectorFacts {
  readonly sources: SourceFacts;
  readonly keyRingFile: string;
  /** The gateways' push listeners; one where a name stands for all of them. */
  readonly pushUrls: readonly string[];
  /** Undefined without TLS. */
  readonly tls:
    | {
        /** The CA that signs the gateway's certificate; the system's when undefined. */
        readonly caFile: string | undefined;
        readonly certificateFile: string;
        readonly keyFile: string;
      }
    | undefined;
  /** `host:port` */
  readonly managementAddress: string;
  /** A duration; the program's default when undefined. */
  readonly shutdownGrace?: string;
}

/** The config file of a bridge's collector. What the bridge leaves out gets the program's default. */
export function buildCollectorConfig(
  bridge: Pick<Bridge, "spec">,
  facts: CollectorFacts,
): CollectorConfigInput {
  const { collector = {}, gateway } = bridge.spec;
  const { tls } = facts;
  return compact({
    ...buildSupply(bridge, facts.sources, collector.bufferBytes),
    buffer_size: collector.bufferBytes,
    max_age: seconds(collector.maxAgeSeconds),
    ...(facts.pushUrls.length === 1
      ? { push_url: facts.pushUrls[0] }
      : { push_urls: [...facts.pushUrls] }),
    key_ring_file: facts.keyRingFile,
    push: {
      audience: collector.push && audiences[collector.push.audience],
      packet_size: fitting(
        collector.packetBytes,
        programDefaults.packetSize,
        collector.bufferBytes,
        gateway.bufferBytes,
      ),
      tls: tls && {
        ca_file: tls.caFile,
        certificate_file: tls.certificateFile,
        key_file: tls.keyFile,
      },
    },
    management_address: facts.managementAddress,
    log_level: level(collector.logLevel),
    shutdown_grace: facts.shutdownGrace,
  });
}

const audiences = { Url: "url", Address: "address" } as const;
