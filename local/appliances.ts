import { formatAddress, isLoopback } from "../common/config/fields.ts";
import { ConfigError } from "../common/errors.ts";
import type { Bridge, BridgeSource } from "../operator/bridge/schema.ts";

/** A simulated appliance that is to run here. */
export interface Appliance {
  /** The name of the source that it stands for. */
  readonly source: string;
  readonly host: string;
  readonly port: number;
}

/** Why a simulated source cannot be run on this machine, by field. */
export function simulationProblems(source: BridgeSource): readonly [keyof BridgeSource, string][] {
  if (!source.simulated || !URL.canParse(source.url)) return [];
  const { protocol, hostname, pathname } = new URL(source.url);
  const problems: [keyof BridgeSource, string][] = [];
  if (protocol !== "https:" || !isLoopback(hostname) || pathname !== "/") {
    problems.push([
      "url",
      "a simulated appliance runs on this machine: must be such as https://127.0.0.1:7766",
    ]);
  }
  for (const field of ["caRef", "pinnedCertificateSha256s"] as const) {
    if (source[field] === undefined) continue;
    problems.push([field, "a simulated appliance gets a new certificate here; leave it out"]);
  }
  return problems;
}

/**
 * The appliances that a bridge needs here: one for each simulated source, at its URL's address.
 * @param firstPort in place of the URLs' ports: the first one's, the next ones count up
 * @throws ConfigError when there are not enough ports
 */
export function planAppliances({ spec }: Bridge, firstPort: number | undefined): Appliance[] {
  const simulated = spec.sources.filter((source) => source.simulated);
  if (firstPort !== undefined && firstPort + simulated.length - 1 > 65_535) {
    throw new ConfigError("--appliance-port: too high for that many simulated sources");
  }
  return simulated.map(({ name, url }, index) => {
    const { hostname, port } = new URL(url);
    const next = firstPort === 0 ? 0 : (firstPort ?? 0) + index;
    return {
      source: name,
      host: hostname === "localhost" ? "127.0.0.1" : hostname.replace(/^\[|\]$/g, ""),
      port: firstPort === undefined ? Number(port || 443) : next,
    };
  });
}

/** The bridge with its simulated sources at the addresses that their appliances listen on. */
export function placeAppliances(bridge: Bridge, addresses: ReadonlyMap<string, string>): Bridge {
  const sources = bridge.spec.sources.map((source) => {
    const address = addresses.get(source.name);
    return address === undefined ? source : { ...source, url: `https://${address}` };
  });
  return { ...bridge, spec: { ...bridge.spec, sources } };
}

export function applianceAddress({ host, port }: Appliance): string {
  return formatAddress({ host, port });
}
