import { z } from "zod";
import { choice, flag } from "../../common/config/fields.ts";
import { collector } from "./collector.ts";
import { listBy } from "./fields.ts";
import { gateway } from "./gateway.ts";
import { healthTests, mixing, monitoring, oneWayCheck } from "./operation.ts";
import { signing, tls } from "./signing.ts";
import { source } from "./source.ts";

export const specFields = z.strictObject({
  topology: choice(["InCluster", "CollectorOnly", "GatewayOnly", "Direct"])
    .default("InCluster")
    .meta({
      description:
        "collector and gateway here, one of them with the other elsewhere, or a gateway that fetches itself",
      example: "InCluster",
    }),
  suspend: flag()
    .default(false)
    .meta({ description: "stops the flow: no collector and no gateway runs", example: true }),
  sources: listBy("name", source, { max: 16 })
    .default([])
    .meta({ description: "where random bytes come from; at least one, but none with GatewayOnly" }),
  mixing: mixing.optional().meta({ description: "how sources become one stream" }),
  healthTests: healthTests
    .optional()
    .meta({ description: "SP 800-90B tests on every byte of every source" }),
  collector: collector
    .optional()
    .meta({ description: "fetches, tests, mixes and signs; with InCluster and CollectorOnly" }),
  gateway: gateway.prefault({}).meta({ description: "verifies, holds and serves the bytes" }),
  signing: signing.optional().meta({ description: "the keys that packets are signed with" }),
  tls: tls.optional().meta({
    description: "certificates. `npm start` uses TLS only where this is given, if only as {}",
  }),
  monitoring: monitoring.optional().meta({ description: "what watches the bridge" }),
  oneWayCheck: oneWayCheck
    .optional()
    .meta({ description: "the proof that the flow runs one way; not with Direct" }),
});

/** What the schema knows before the rules between fields have been checked. */
export type BridgeSpec = z.output<typeof specFields>;
