import {
  createAuthority as createPair,
  issueLeaf,
  type Leaf,
  type Pair,
} from "../operator/certificates/authority.ts";

/** Short, since nothing renews them but the next start; an hour back, for clocks that are behind. */
const lifeMilliseconds = 30 * 86_400_000;
const backMilliseconds = 3_600_000;

/** A certificate authority that is gone when the process ends: its key is never written. */
export interface Authority {
  /** Its certificate, PEM. */
  readonly certificate: string;
  issue(leaf: Leaf): Promise<Pair>;
}

/** @param name for people who look at the certificate */
export async function createAuthority(name: string, now = Date.now()): Promise<Authority> {
  const validity = {
    notBefore: new Date(now - backMilliseconds),
    notAfter: new Date(now + lifeMilliseconds),
  };
  const pair = await createPair({ name, ...validity });
  return {
    certificate: pair.certificate,
    issue: (leaf) => issueLeaf(pair, leaf, validity),
  };
}
