import { z } from "zod";
import { choice, integer } from "../../common/config/fields.ts";
import { keyId, objectName, set } from "./fields.ts";
import { secretRef } from "./references.ts";
import { type Rules, withRules } from "./rule.ts";

const signingFields = z.strictObject({
  rotationSeconds: integer({ min: 600, max: 31_536_000 }, "seconds").optional().meta({
    description: "how long a key signs before the next takes over",
    example: 2_592_000,
    fallback: "2592000, where the operator makes the keys",
  }),
  overlapSeconds: integer({ min: 180, max: 604_800 }, "seconds").default(3600).meta({
    description: "how long gateways still accept the key before",
    example: 3600,
  }),
  propagationSeconds: integer({ min: 0, max: 86_400 }, "seconds").default(120).meta({
    description: "how long gateways get to read a new key before the collector signs with it",
    example: 120,
  }),
  revokedKeyIds: set(keyId(), { max: 16 })
    .optional()
    .meta({ description: "keys that are dropped at once", example: ["k-7f3a"] }),
  secretRef: secretRef
    .optional()
    .meta({ description: "a Secret with the key as hex, instead of the operator's own keys" }),
});

export const signingRules = {
  overlap: {
    path: ["overlapSeconds"],
    cel: "self.overlapSeconds >= self.propagationSeconds + 60",
    holds: ({ overlapSeconds, propagationSeconds }) => overlapSeconds >= propagationSeconds + 60,
    message: "must be at least propagationSeconds + 60, else packets on their way are refused",
  },
  // Else keys that are still accepted pile up beyond what a ring holds.
  rotation: {
    path: ["rotationSeconds"],
    cel:
      "!has(self.rotationSeconds) || " +
      "self.rotationSeconds >= self.overlapSeconds + self.propagationSeconds",
    holds: ({ rotationSeconds = Infinity, overlapSeconds, propagationSeconds }) =>
      rotationSeconds >= overlapSeconds + propagationSeconds,
    message:
      "must be at least overlapSeconds + propagationSeconds, so that one rotation ends first",
  },
  whoRotates: {
    path: ["rotationSeconds"],
    cel: "!has(self.rotationSeconds) || !has(self.secretRef)",
    holds: ({ rotationSeconds, secretRef }) =>
      rotationSeconds === undefined || secretRef === undefined,
    message: "goes without secretRef: that key is rotated by changing the Secret; leave one out",
  },
} satisfies Rules<z.output<typeof signingFields>>;

export const signing = withRules(signingFields, signingRules);

export const tls = z.strictObject({
  issuerRef: z
    .strictObject({
      name: objectName().meta({ description: "its name", example: "company-ca" }),
      kind: choice(["Issuer", "ClusterIssuer"])
        .default("Issuer")
        .meta({ description: "what it is", example: "ClusterIssuer" }),
      group: objectName()
        .default("cert-manager.io")
        .meta({ description: "its API group", example: "cert-manager.io" }),
    })
    .optional()
    .meta({
      description: "cert-manager's issuer of all certificates, instead of the bridge's CAs",
    }),
  certificateSeconds: integer({ min: 3600, max: 31_536_000 }, "seconds").optional().meta({
    description: "how long a certificate is valid; it is renewed at two thirds of that",
    example: 7_776_000,
    fallback: "7776000",
  }),
});
