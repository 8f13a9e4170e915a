import { z } from "zod";
import {
  address,
  choice,
  duration,
  file,
  flag,
  integer,
  isLoopback,
  size,
} from "../common/config/fields.ts";
import { conditioningTypes } from "../common/conditioning/conditioner.ts";
import { countKeys, keyFields, needsOneKey } from "../common/keys/config.ts";
import { logLevels } from "../common/log/logger.ts";
import { listedKey } from "../common/apiKeys/keyEntry.ts";
import { largestChunk } from "../common/sources/config.ts";
import { checkSupply, supplyFields } from "../common/supply/config.ts";
import { rateLimit } from "./limit/quotas.ts";
import { redisConfig } from "./limit/redisConfig.ts";

const window = z.strictObject({
  past: duration({ min: 1_000, max: 600_000 })
    .default(30_000)
    .describe("a packet signed longer ago is refused"),
  future: duration({ min: 0, max: 60_000 })
    .default(2_000)
    .describe("a packet signed further ahead is refused"),
});

const tlsFields = {
  certificate_file: file().describe("certificate chain, PEM, re-read when it changes"),
  key_file: file().describe("its private key, PEM"),
};

const pushTls = z.strictObject({
  ...tlsFields,
  client_auth: choice(["require", "none"])
    .default("require")
    .describe("whether collectors must show a certificate; `none` only with accept_unbound"),
  client_ca_file: file()
    .optional()
    .describe(
      "PEM of the CA that signs collectors' certificates and nothing else, re-read when it changes",
    ),
  client_name: z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/)
    .max(253)
    .optional()
    .meta({ unit: "DNS name", range: "1 … 253 characters" })
    .describe("the subject alternative name that a collector's certificate must have"),
});

const push = z.strictObject({
  listen_address: address().prefault("127.0.0.1:7765").describe("where collectors push to"),
  audience: z
    .string()
    .regex(/^[\x21-\x7e]{3,262}$/)
    .optional()
    .meta({ unit: "host:port", range: "3 … 262 characters" })
    .describe(
      "the address that packets are signed for; listen_address when left out, which then is no wildcard",
    ),
  accept_unbound: flag()
    .default(false)
    .describe("takes packets without an audience; for a single replica only"),
  max_packet_size: size({ min: 1, max: 16 * 2 ** 20 })
    .default(2 ** 20)
    .describe("data bytes of one packet"),
  max_connections: integer({ min: 1, max: 4096 }, "connections")
    .default(64)
    .describe("collectors' connections at once"),
  bytes_per_second: size({ min: 1, max: 2 ** 40 })
    .optional()
    .describe("pushed bytes taken in the long run; no limit when left out"),
  window: window.prefault({}).describe("when a packet is fresh"),
  state_file: file()
    .optional()
    .describe(
      "remembers how far signed times have gone, so that no clock step across a restart lets a packet in twice",
    ),
  allow_plaintext: flag().default(false).describe("allows listening without TLS beyond loopback"),
  tls: pushTls.optional().describe("TLS 1.3 on the push listener"),
});

const mcp = z.strictObject({
  enabled: flag().default(true).describe("whether /mcp is served"),
  allowed_origins: z
    .array(z.string().regex(/^[a-z][a-z0-9+.-]*:\/\/[a-z0-9.:[\]-]{1,255}$/, "must be an origin"))
    .max(100)
    .default([])
    .meta({ unit: "list of origins", range: "0 … 100" })
    .describe("origins that may call /mcp, beside cors_origins and the gateway's own"),
  allowed_hosts: z
    .array(z.string().regex(/^[a-z0-9.:[\]-]{1,255}$/, "must be a host name without a port"))
    .max(100)
    .default([])
    .meta({ unit: "list of names", range: "0 … 100" })
    .describe(
      "names in Host that /mcp answers to, without ports; when empty: on loopback its names, elsewhere all",
    ),
});

const direct = z.strictObject(supplyFields).superRefine(checkSupply);

/** The gateway's config file, snake_case as its users write it. */
export const gatewayConfig = z
  .strictObject({
    listen_address: address().prefault("127.0.0.1:7764").describe("where the API listens"),
    tls: z.strictObject(tlsFields).optional().describe("TLS on the API"),
    buffer_size: size({ min: 1024, max: 2 ** 36 })
      .default(16 * 2 ** 20)
      .describe("random bytes held at most"),
    max_age: duration({ min: 1_000, max: 604_800_000 })
      .default(3_600_000)
      .describe("bytes older than this are never served"),
    overflow: choice(["Reject", "DiscardOldest"])
      .default("Reject")
      .describe("what a full buffer does with a packet"),
    conditioning: choice(conditioningTypes)
      .default("None")
      .describe(
        "what verified bytes go through: nothing, SHA-512, or XOR with the system's generator",
      ),
    min_entropy_millibits_per_byte: integer({ min: 1000, max: 8000 }, "1/1000 bit")
      .optional()
      .describe("what the source is trusted to bring in each byte; Hash needs it"),
    deployment_mode: choice(["Push", "Direct"])
      .default("Push")
      .describe("bytes come from a collector, or the gateway fetches them itself"),
    direct_mode_config: direct.optional().describe("the sources of Direct"),
    api_keys: z
      .array(listedKey)
      .min(1)
      .max(1000)
      .optional()
      .meta({ unit: "list", range: "1 … 1000 keys, as text or as below" })
      .describe("the clients' keys"),
    api_keys_file: file()
      .optional()
      .describe("a file of them, a line each, re-read when it changes; see Keys and limits"),
    allow_query_key: flag()
      .default(false)
      .describe("also takes a key as ?api_key=, which ends up in proxies' logs"),
    dashboard: flag().default(true).describe("serves a page for people at /"),
    cors_origins: z
      .array(
        z
          .string()
          .regex(
            /^https?:\/\/[a-z0-9.:[\]-]{1,255}$/,
            "must be an origin such as https://app.example",
          ),
      )
      .max(100)
      .default([])
      .meta({ unit: "list of origins", range: "0 … 100" })
      .describe("origins whose pages may read answers in a browser"),
    max_request_bytes: size({ min: 1, max: 16 * 2 ** 20 })
      .default(2 ** 20)
      .describe("random bytes of one request"),
    max_wait: duration({ min: 0, max: 600_000 })
      .default(30_000)
      .describe("how long a request may wait for fresh bytes, where it asks to"),
    max_waiting: integer({ min: 0, max: 100_000 }, "requests")
      .default(1_000)
      .describe("requests that may wait at once; one more is answered 503"),
    max_connections: integer({ min: 1, max: 100_000 }, "connections")
      .default(10_000)
      .describe("clients' connections at once"),
    rate_limit: rateLimit.prefault({}).describe("limits of each key"),
    redis: redisConfig.optional().describe("where replicas count limits together"),
    ...keyFields,
    push: push.prefault({}).describe("how packets come in"),
    simulated: flag()
      .default(false)
      .describe(
        "the bytes come from a simulated appliance; /api/status says so, as of a simulated source in Direct",
      ),
    mcp: mcp.prefault({}).describe("the Model Context Protocol, at /mcp"),
    management_address: address()
      .prefault("127.0.0.1:9464")
      .describe("where /metrics, /healthz, /readyz and /state listen"),
    log_level: choice(logLevels).default("info").describe("the least level that is logged"),
    shutdown_grace: duration({ min: 0, max: 600_000 })
      .default(10_000)
      .describe("time to serve what is left after SIGTERM"),
  })
  .superRefine((config, context) => {
    const problem = (path: string[], message: string): void =>
      context.addIssue({ code: "custom", path, message });
    if ((config.api_keys === undefined) === (config.api_keys_file === undefined)) {
      problem([], "needs either api_keys or api_keys_file");
    }
    if (config.max_request_bytes > config.buffer_size) {
      problem(["max_request_bytes"], "must not be above buffer_size");
    }
    if (
      (config.conditioning === "Hash") !==
      (config.min_entropy_millibits_per_byte !== undefined)
    ) {
      problem(
        ["conditioning"],
        "Hash needs min_entropy_millibits_per_byte, and nothing else uses it",
      );
    }
    const keyCount = countKeys(config);
    const direct = config.direct_mode_config;
    if (config.deployment_mode === "Direct") {
      if (keyCount !== 0) problem([], "Direct has no use for a signing key: it takes no packets");
      if (direct === undefined) problem([], "Direct needs direct_mode_config");
      else if (largestChunk(direct) > config.buffer_size) {
        problem(["direct_mode_config", "fetch_chunk_size"], "must not be above buffer_size");
      }
      return;
    }
    if (direct !== undefined) {
      problem(["direct_mode_config"], "goes with deployment_mode: Direct");
    }
    if (keyCount !== 1) problem([], needsOneKey);
    if (config.push.max_packet_size > config.buffer_size) {
      problem(["push", "max_packet_size"], "must not be above buffer_size");
    }
    const { tls, listen_address, audience } = config.push;
    if (tls === undefined && !isLoopback(listen_address.host) && !config.push.allow_plaintext) {
      problem(["push"], "needs tls beyond loopback, or allow_plaintext: true");
    }
    if (audience === undefined && ["0.0.0.0", "::"].includes(listen_address.host)) {
      problem(["push"], "needs audience when it listens on every address");
    }
    if (tls?.client_auth === "none" && !config.push.accept_unbound) {
      problem(["push", "tls", "client_auth"], "may be none only with push.accept_unbound: true");
    }
    if (
      tls?.client_auth === "require" &&
      (tls.client_ca_file === undefined || tls.client_name === undefined)
    ) {
      problem(["push", "tls"], "needs client_ca_file and client_name, or client_auth: none");
    }
  });

export type GatewayConfig = z.output<typeof gatewayConfig>;
/** As it is written to a file. */
export type GatewayConfigInput = z.input<typeof gatewayConfig>;
