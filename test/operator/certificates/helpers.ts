import type { Chain, ChainSpec, StoredChain } from "../../../operator/certificates/chain.ts";
import { renewChain } from "../../../operator/certificates/chain.ts";

export const day = 86_400;
export const propagationSeconds = 120;
/** Now, since real TLS is by the real clock; to the second, as certificates are. */
export const start = Math.floor(Date.now() / 1000);

export const collector = "collector.lab.physics.qrngbridge.internal";
export const serverSpec: ChainSpec = {
  name: "QRNG Bridge lab servers",
  usage: "server",
  leaves: { gateway: ["gateway.physics.svc", "localhost", "127.0.0.1", "::1"] },
  certificateSeconds: 90 * day,
};
export const clientSpec: ChainSpec = {
  name: "QRNG Bridge lab collectors",
  usage: "client",
  permittedNames: [collector],
  leaves: { collector: [collector] },
  certificateSeconds: 90 * day,
};

/** Looks at what is stored, at a number of seconds from `start`. */
export function look(
  stored: StoredChain | Chain | undefined,
  seconds: number,
  spec: ChainSpec = serverSpec,
): Promise<Chain> {
  return renewChain({
    stored: stored === undefined ? { authority: {}, leaves: {}, bundles: [] } : asStored(stored),
    spec,
    propagationSeconds,
    now: { wall: (start + seconds) * 1000, moment: { boot: "boot", seconds: 1000 + seconds } },
  });
}

/** All of it written. */
export function asStored(chain: StoredChain | Chain): StoredChain {
  return "bundles" in chain ? chain : { ...chain, bundles: [chain.bundle] };
}

export function reasonsOf({ steps }: Chain): string[] {
  return steps.map(({ reason }) => reason);
}
