import { issueLeaf, type Leaf } from "./authority.ts";
import type { Authorities } from "./authorities.ts";
import type { ChainDesk } from "./chain.ts";
import { completePair, isIssuedBy, leafFault, readPair, type ReadCertificate } from "./inspect.ts";
import { isDue, leafValidity } from "./validity.ts";

/** @returns by name; without those that cannot be issued before the next CA signs */
export async function renewLeaves(
  authorities: Authorities,
  desk: ChainDesk,
): Promise<ReadonlyMap<string, ReadCertificate>> {
  const { spec, stored } = desk;
  const leaves = new Map<string, ReadCertificate>();
  for (const [name, names] of Object.entries(spec.leaves)) {
    const found = readPair(stored.leaves[name]?.["tls.crt"], stored.leaves[name]?.["tls.key"]);
    const leaf = await renewLeaf(name, found, { usage: spec.usage, names }, authorities, desk);
    if (leaf?.key !== undefined) leaves.set(name, leaf);
  }
  return leaves;
}

async function renewLeaf(
  name: string,
  found: ReadCertificate | undefined,
  wanted: Leaf,
  { current, old }: Authorities,
  { spec, now, note }: ChainDesk,
): Promise<ReadCertificate | undefined> {
  const authority = completePair(current);
  if (authority === undefined) return found; // nobody can sign
  const isOurs = found !== undefined && [current, old].some((ca) => ca && isIssuedBy(found, ca));
  const before = isOurs ? found.parsed : undefined;
  const { certificateSeconds: life } = spec;
  const validity = leafValidity(before, life, now.wall, current.parsed);
  const fault = leafFault(found, wanted, current);
  if (fault === undefined && before !== undefined) {
    const isBetter =
      validity.notAfter > before.validToDate || validity.notBefore < before.validFromDate;
    if (!isDue(before, life, now.wall) || !isBetter) return found;
  }
  note("CertificateIssued", `certificate ${name} was issued: ${fault ?? "it was due"}`);
  const { certificate, key } = await issueLeaf(authority, wanted, validity);
  return readPair(certificate, key);
}
