import { z } from "zod";
import { choice, integer } from "../../common/config/fields.ts";
import { set } from "./fields.ts";
import { celHasAddress, hasAddress, needsEgress, resourceUrl } from "./hosts.ts";
import { egress } from "./network.ts";
import { image, pod } from "./pod.ts";
import { caRef, certificateRef, secretRef } from "./references.ts";
import { type Rules, withRules } from "./rule.ts";

/** The programs' levels, as the API's conventions write names. */
export const logLevel = () => choice(["Trace", "Debug", "Info", "Warn", "Error", "Silent"]);

export const podFields = (program: string) => ({
  image: image()
    .optional()
    .meta({
      description: "the program's image; the operator's own when left out",
      example: `registry.example/qrng-${program}:1.0`,
    }),
  logLevel: logLevel()
    .optional()
    .meta({ description: "the least level that is logged", example: "Info", fallback: "Info" }),
  pod: pod.optional().meta({ description: "how its pods are set up" }),
});

const proxyFields = z.strictObject({
  url: resourceUrl({
    pattern: String.raw`^http://[^/?#@\s]+/?$`,
    expected: "such as http://192.0.2.20:3128; what goes through it is TLS all the same",
  }).meta({ description: "an HTTP proxy that answers CONNECT", example: "http://192.0.2.20:3128" }),
  authSecretRef: secretRef
    .optional()
    .meta({ description: "user and password for it, as user:password" }),
  egress: egress
    .optional()
    .meta({ description: "what the URL's host name stands for; an address needs none" }),
});

export const proxyRules = {
  egress: {
    path: ["egress"],
    cel: `has(self.egress) || ${celHasAddress("self.url")}`,
    holds: ({ url, egress }) => egress !== undefined || hasAddress(url),
    message: needsEgress,
  },
} satisfies Rules<z.output<typeof proxyFields>>;

const pushUrl = () =>
  resourceUrl({ pattern: String.raw`^https://[^/?#@\s]+(/[^?#\s]*)?$`, expected: "an https URL" });

const pushFields = z.strictObject({
  urls: set(pushUrl(), { min: 1, max: 16 }).meta({
    description: "the push listeners elsewhere, one URL for each gateway instance",
    example: ["https://198.51.100.7:7765/push"],
  }),
  audience: choice(["Url", "Address"]).default("Url").meta({
    description: "what packets are signed for: a URL's host and port, or the address connected to",
    example: "Url",
  }),
  caRef: caRef.optional().meta({
    description: "PEM of the CAs that may sign their certificates; the system's when left out",
  }),
  clientCertificateRef: certificateRef
    .optional()
    .meta({ description: "the collector's certificate; one by the bridge's own CA when left out" }),
  egress: egress
    .optional()
    .meta({ description: "what the URLs' host names stand for; addresses need none" }),
});

export const pushOutRules = {
  egress: {
    path: ["egress"],
    cel: `has(self.egress) || self.urls.all(url, ${celHasAddress("url")})`,
    holds: ({ urls, egress }) => egress !== undefined || urls.every(hasAddress),
    message: needsEgress,
  },
} satisfies Rules<z.output<typeof pushFields>>;

export const collector = z.strictObject({
  ...podFields("collector"),
  bufferBytes: integer({ min: 1024, max: 2 ** 32 }, "bytes")
    .optional()
    .meta({
      description: "held between fetch and push",
      example: 16_777_216,
      fallback: "16777216",
    }),
  packetBytes: integer({ min: 64, max: 2 ** 20 }, "bytes")
    .optional()
    .meta({
      description: "data bytes of a full packet",
      example: 65_536,
      fallback: "65536, or a smaller buffer's",
    }),
  maxAgeSeconds: integer({ min: 1, max: 86_400 }, "seconds").optional().meta({
    description: "bytes older than this are dropped and counted",
    example: 300,
    fallback: "300",
  }),
  proxy: withRules(proxyFields, proxyRules)
    .optional()
    .meta({ description: "through which all sources are reached" }),
  push: withRules(pushFields, pushOutRules)
    .optional()
    .meta({ description: "CollectorOnly: where packets go" }),
});
