import { z } from "zod";
import { choice, flag } from "../../common/config/fields.ts";
import { annotations, text } from "./fields.ts";
import { networkPeers } from "./network.ts";
import { caRef } from "./references.ts";

export const service = () =>
  z
    .strictObject({
      type: choice(["ClusterIP", "NodePort", "LoadBalancer"]).default("ClusterIP").meta({
        description: "from where it can be reached; NetworkPolicies still apply",
        example: "LoadBalancer",
      }),
      annotations: annotations()
        .optional()
        .meta({
          description: "such as a cloud's load balancer reads",
          example: { "example.com/internal": "true" },
        }),
    })
    .meta({ typeName: "Service" });

/** How packets come into a gateway. */
export const pushIn = z.strictObject({
  service: service().optional().meta({ description: "GatewayOnly: the push port's Service" }),
  from: networkPeers().optional().meta({ description: "who may connect to the push port" }),
  clientCARef: caRef
    .optional()
    .meta({ description: "GatewayOnly: PEM of the CA that signs collectors' certificates" }),
  clientName: text({
    max: 253,
    pattern: /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/,
    expected: "a DNS name",
    unit: "DNS name",
  })
    .optional()
    .meta({
      description: "GatewayOnly: the name that a collector's certificate must have",
      example: "collector.lab.physics.qrngbridge.internal",
      fallback: "collector.<bridge>.<namespace>.qrngbridge.internal",
    }),
  audience: text({
    min: 3,
    max: 262,
    pattern: /^[\x21-\x7e]+:[0-9]{1,5}$/,
    expected: "host:port",
    unit: "host:port",
  })
    .optional()
    .meta({
      description: "GatewayOnly: the address that packets are signed for",
      example: "198.51.100.7:7765",
      fallback: "the pod's address and port",
    }),
  acceptUnbound: flag().optional().meta({
    description:
      "also takes packets that are signed for no gateway in particular, from v1 senders; needs replicas of at most 1",
    example: true,
    fallback: "false",
  }),
});
