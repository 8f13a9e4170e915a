import { z } from "zod";
import { text } from "./fields.ts";
import { celHasAddress, hasAddress, needsEgress } from "./hosts.ts";
import { egress } from "./network.ts";
import { caRef, secretRef } from "./references.ts";
import { type Rules, withRules } from "./rule.ts";

const redisFields = z.strictObject({
  url: text({
    max: 512,
    pattern:
      /^rediss:\/\/([^:@/?#\s]+@)?[^:@/?#\s[\]]+(:[0-9]{1,5})?(\/[0-9]{0,4})?$|^rediss:\/\/([^:@/?#\s]+@)?\[[0-9a-fA-F:.]+\](:[0-9]{1,5})?(\/[0-9]{0,4})?$/,
    expected: "such as rediss://192.0.2.30:6379/0; the password goes to authSecretRef",
    unit: "URL",
  }).meta({ description: "the server, with TLS", example: "rediss://192.0.2.30:6379/0" }),
  authSecretRef: secretRef.optional().meta({ description: "its password" }),
  caRef: caRef.optional().meta({
    description: "PEM of the CAs that may sign its certificate; the system's when left out",
  }),
  egress: egress
    .optional()
    .meta({ description: "what the URL's host name stands for; an address needs none" }),
});

export const redisRules = {
  egress: {
    path: ["egress"],
    cel: `has(self.egress) || ${celHasAddress("self.url")}`,
    holds: ({ url, egress }) => egress !== undefined || hasAddress(url),
    message: needsEgress,
  },
} satisfies Rules<z.output<typeof redisFields>>;

export const redis = withRules(redisFields, redisRules);
