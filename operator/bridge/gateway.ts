import { z } from "zod";
import { choice, flag, integer } from "../../common/config/fields.ts";
import { podFields } from "./collector.ts";
import { set, text } from "./fields.ts";
import { networkPeers } from "./network.ts";
import { pushIn, service } from "./pushIn.ts";
import { redis } from "./redis.ts";
import { wholeSecretRef } from "./references.ts";
import { type Rules, withRules } from "./rule.ts";

const rateLimit = z.strictObject({
  requestsPerSecond: integer({ min: 1, max: 1_000_000 }, "requests").optional().meta({
    description: "of one key, in the long run",
    example: 100,
    fallback: "1000",
  }),
  burst: integer({ min: 1, max: 1_000_000 }, "requests").optional().meta({
    description: "of one key at once",
    example: 200,
    fallback: "2000",
  }),
  bytesPerSecond: integer({ min: 1, max: 2 ** 40 }, "bytes")
    .optional()
    .meta({
      description: "random bytes of one key, in the long run",
      example: 1_048_576,
      fallback: "67108864",
    }),
});

const origin = () =>
  text({
    max: 267,
    pattern: /^[a-z][-a-z0-9+.]*:\/\/[-a-z0-9.:[\]]{1,255}$/,
    expected: "an origin such as https://app.example",
    unit: "origin",
  });

const hostName = () =>
  text({
    max: 255,
    pattern: /^[-a-z0-9.:[\]]+$/,
    expected: "a host name without a port",
    unit: "name",
  });

const mcp = z.strictObject({
  enabled: flag()
    .default(true)
    .meta({ description: "whether the Model Context Protocol is served at /mcp", example: false }),
  allowedOrigins: set(origin(), { max: 32 })
    .optional()
    .meta({
      description: "origins that may call it, beside the gateway's own",
      example: ["https://app.example"],
    }),
  allowedHosts: set(hostName(), { max: 32 })
    .optional()
    .meta({
      description: "names in Host that it answers to; all when left out",
      example: ["qrng"],
    }),
});

const gatewayFields = z.strictObject({
  ...podFields("gateway"),
  replicas: integer({ min: 0, max: 100 }, "pods")
    .default(2)
    .meta({ description: "how many gateways serve; at most 1 with GatewayOnly", example: 3 }),
  bufferBytes: integer({ min: 1024, max: 2 ** 36 }, "bytes")
    .optional()
    .meta({
      description: "random bytes that each holds at most",
      example: 16_777_216,
      fallback: "16777216",
    }),
  maxAgeSeconds: integer({ min: 1, max: 604_800 }, "seconds").optional().meta({
    description: "bytes older than this are never served",
    example: 3600,
    fallback: "3600",
  }),
  overflow: choice(["Reject", "DiscardOldest"]).optional().meta({
    description: "what a full buffer does with a packet",
    example: "Reject",
    fallback: "Reject",
  }),
  conditioning: choice(["None", "Hash", "XorSystem"]).optional().meta({
    description:
      "what verified bytes go through: nothing, SHA-512, or XOR with the system's generator",
    example: "Hash",
    fallback: "None",
  }),
  maxRequestBytes: integer({ min: 1, max: 16 * 2 ** 20 }, "bytes")
    .optional()
    .meta({
      description: "random bytes of one request",
      example: 1_048_576,
      fallback: "1048576, or a smaller buffer's",
    }),
  rateLimit: rateLimit.optional().meta({ description: "limits of each key" }),
  apiKeysSecretRef: wholeSecretRef.optional().meta({
    description:
      "a Secret with the clients' keys, an entry each: docs/secrets.md; one is generated when left out",
  }),
  allowQueryKey: flag().optional().meta({
    description: "also takes a key as ?api_key=, which ends up in proxies' logs",
    example: true,
    fallback: "false",
  }),
  clients: networkPeers().optional().meta({
    description: "who may connect to the API; the own namespace when left out, [] nobody",
  }),
  service: service().optional().meta({ description: "the API's Service" }),
  mcp: mcp.optional().meta({ description: "the Model Context Protocol" }),
  dashboard: z
    .strictObject({
      enabled: flag()
        .default(true)
        .meta({ description: "whether a page for people is served at /", example: false }),
    })
    .optional()
    .meta({ description: "the page for people" }),
  redis: redis
    .optional()
    .meta({ description: "where replicas count limits together; each alone when left out" }),
  podDisruptionBudget: z
    .strictObject({
      enabled: flag().default(true).meta({
        description: "whether from 2 replicas only one at once may be evicted",
        example: false,
      }),
    })
    .optional()
    .meta({ description: "what node drains may do" }),
  push: pushIn.optional().meta({ description: "how packets come in" }),
});

export const gatewayRules = {
  request: {
    path: ["maxRequestBytes"],
    cel:
      "!has(self.maxRequestBytes) || !has(self.bufferBytes) || " +
      "self.maxRequestBytes <= self.bufferBytes",
    holds: ({ maxRequestBytes = 0, bufferBytes = Infinity }) => maxRequestBytes <= bufferBytes,
    message: "must not be above gateway.bufferBytes",
  },
  unboundReplicas: {
    path: ["replicas"],
    cel:
      "!has(self.push) || !has(self.push.acceptUnbound) || !self.push.acceptUnbound || " +
      "self.replicas <= 1",
    holds: ({ push, replicas }) => push?.acceptUnbound !== true || replicas <= 1,
    message: "push.acceptUnbound needs replicas of at most 1, else a packet could be taken twice",
  },
} satisfies Rules<z.output<typeof gatewayFields>>;

export const gateway = withRules(gatewayFields, gatewayRules);
/** The fields of a gateway that have no default: those that are there were written. */
export const optionalGatewayFields = Object.entries(gatewayFields.shape).flatMap(([name, field]) =>
  field instanceof z.ZodOptional ? [name as keyof typeof gatewayFields.shape] : [],
);
