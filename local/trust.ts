import { join } from "node:path";
import type { Bridge } from "../operator/bridge/schema.ts";
import { collectorIdentity } from "../operator/build/names.ts";
import type { Appliance } from "./appliances.ts";
import type { Leaf } from "../operator/certificates/authority.ts";
import { createAuthority } from "./certificates.ts";
import { writePrivate } from "./privateFile.ts";

const loopbackNames = ["127.0.0.1", "::1", "localhost"];

export interface PairFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** Where a file of each source is, by the source's name; of those that have one. */
export type SourceFiles = Readonly<Record<string, string>>;

export interface ApplianceTrust {
  /** The CA of the appliances that run here, for each source that they stand for. */
  readonly caFiles: SourceFiles;
  /** Each appliance's own certificate, by its source's name. */
  readonly pairs: ReadonlyMap<string, PairFiles>;
}

/** Makes certificates for the simulated appliances, by a CA that is thrown away. */
export async function writeApplianceTrust(
  folder: string,
  appliances: readonly Appliance[],
): Promise<ApplianceTrust> {
  if (appliances.length === 0) return { caFiles: {}, pairs: new Map() };
  const authority = await createAuthority("QRNG Bridge simulated appliances");
  const caFile = join(folder, "ca-appliances.pem");
  await writePrivate(caFile, authority.certificate);
  const pairs = new Map<string, PairFiles>();
  for (const { source, host } of appliances) {
    const leaf: Leaf = { usage: "server", names: [host, ...loopbackNames] };
    pairs.set(source, await writePair(folder, `appliance-${source}`, await authority.issue(leaf)));
  }
  return {
    caFiles: Object.fromEntries(appliances.map(({ source }) => [source, caFile])),
    pairs,
  };
}

/**
 * Writes what a bridge's file holds for its sources, such as their CAs.
 * @param texts by the source's name
 * @param nameOf the file's name
 */
export async function writeSourceFiles(
  folder: string,
  texts: Readonly<Record<string, string>>,
  nameOf: (source: string) => string,
): Promise<SourceFiles> {
  const files = Object.entries(texts).map(async ([source, text]) => {
    const file = join(folder, nameOf(source));
    await writePrivate(file, text);
    return [source, file] as const;
  });
  return Object.fromEntries(await Promise.all(files));
}

export interface BridgeTrust {
  readonly gateway: PairFiles & { readonly clientCaFile: string };
  readonly collector: PairFiles & { readonly caFile: string };
}

/**
 * Where a bridge's own certificates are; makes them when it asks for TLS. One CA for servers and
 * another for the collector, so that no server's certificate opens the push port.
 */
export async function writeBridgeTrust(folder: string, bridge: Bridge): Promise<BridgeTrust> {
  const serverCaFile = join(folder, "ca-servers.pem");
  const clientCaFile = join(folder, "ca-collectors.pem");
  const trust = {
    gateway: { ...pairFiles(folder, "gateway"), clientCaFile },
    collector: { ...pairFiles(folder, "collector"), caFile: serverCaFile },
  };
  if (bridge.spec.tls === undefined) return trust;
  const servers = await createAuthority("QRNG Bridge servers");
  const collectors = await createAuthority("QRNG Bridge collectors");
  await writePrivate(serverCaFile, servers.certificate);
  await writePrivate(clientCaFile, collectors.certificate);
  const server = await servers.issue({ usage: "server", names: loopbackNames });
  const client = await collectors.issue({ usage: "client", names: [collectorIdentity(bridge)] });
  await writePair(folder, "gateway", server);
  await writePair(folder, "collector", client);
  return trust;
}

function pairFiles(folder: string, name: string): PairFiles {
  return { certificateFile: join(folder, `${name}.pem`), keyFile: join(folder, `${name}.key`) };
}

async function writePair(
  folder: string,
  name: string,
  { certificate, key }: { certificate: string; key: string },
): Promise<PairFiles> {
  const files = pairFiles(folder, name);
  await writePrivate(files.certificateFile, certificate);
  await writePrivate(files.keyFile, key);
  return files;
}
