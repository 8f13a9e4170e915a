import { lookup } from "node:dns/promises";
import { isIP } from "node:net";

/** A host's addresses; the system's resolver by default, as every program of a pod sees it. */
export type Resolve = (host: string) => Promise<readonly string[]>;

export const systemResolve: Resolve = async (host) => {
  const bare = host.replace(/^\[|\]$/g, "");
  if (isIP(bare) !== 0) return [bare];
  const found = await lookup(bare, { all: true });
  return found.map(({ address }) => address);
};
