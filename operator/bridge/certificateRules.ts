import type { Rules } from "./rule.ts";
import type { BridgeSpec } from "./spec.ts";

/** What certificates ask of the time that a changed Secret takes to reach a program. */
export const certificateRules = {
  renewal: {
    path: ["tls"],
    cel:
      "!has(self.tls) || !has(self.tls.certificateSeconds) || !has(self.signing) || " +
      "self.tls.certificateSeconds >= 3 * self.signing.propagationSeconds",
    holds: ({ tls: { certificateSeconds = Infinity } = {}, signing }) =>
      certificateSeconds >= 3 * (signing?.propagationSeconds ?? 0),
    message:
      "certificateSeconds must be at least 3 × signing.propagationSeconds: a certificate is renewed when a third is left, and the new one has to arrive in that",
  },
} satisfies Rules<BridgeSpec>;
