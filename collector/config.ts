import { z } from "zod";
import {
  address,
  choice,
  duration,
  file,
  flag,
  isLoopback,
  size,
  url,
} from "../common/config/fields.ts";
import { countKeys, keyFields, needsOneKey } from "../common/keys/config.ts";
import { logLevels } from "../common/log/logger.ts";
import { largestChunk } from "../common/sources/config.ts";
import { checkSupply, supplyFields } from "../common/supply/config.ts";

const pushTls = z.strictObject({
  ca_file: file()
    .optional()
    .describe("PEM of the CAs that may sign the gateway's certificate; the system's when left out"),
  certificate_file: file().optional().describe("the collector's own certificate, PEM"),
  key_file: file().optional().describe("its private key, PEM"),
});

const push = z.strictObject({
  peer: choice(["bridge", "v1"])
    .default("bridge")
    .describe(
      "what the gateway is: `v1` gets packets without an audience, and an unknown outcome is never repeated",
    ),
  audience: choice(["address", "url"])
    .default("address")
    .describe(
      "whose name packets are signed for: the address connected to, or the push URL's host and port",
    ),
  packet_size: size({ min: 64, max: 2 ** 20 })
    .default(65_536)
    .describe("data bytes of a full packet"),
  packet_age: duration({ min: 0, max: 60_000 })
    .default(250)
    .describe("a packet that is not full is sent when its oldest byte has waited this long"),
  timeout: duration({ min: 100, max: 60_000 })
    .default(10_000)
    .describe("time for one push; what is unknown then is repeated"),
  window: duration({ min: 1_000, max: 600_000 })
    .default(30_000)
    .describe("the gateway's push.window.past"),
  clock_skew: duration({ min: 0, max: 600_000 })
    .default(60_000)
    .describe(
      "how far the two clocks may be apart: refused bytes are signed anew only after window and clock_skew",
    ),
  backoff_min: duration({ min: 10, max: 60_000 })
    .default(100)
    .describe("first pause of an instance after a push that failed"),
  backoff_max: duration({ min: 10, max: 600_000 })
    .default(10_000)
    .describe("longest pause; of one that is full, a second"),
  resolve_interval: duration({ min: 1_000, max: 3_600_000 })
    .default(10_000)
    .describe("how often the push URL's name is resolved anew"),
  allow_plaintext: flag().default(false).describe("allows http beyond loopback"),
  tls: pushTls.prefault({}).describe("TLS towards the gateway"),
});

/** The collector's config file, snake_case as its users write it. */
export const collectorConfig = z
  .strictObject({
    ...supplyFields,
    buffer_size: size({ min: 1024, max: 2 ** 32 })
      .default(16 * 2 ** 20)
      .describe(
        "bytes held between fetch and push at most; fetching pauses when the next chunk does not fit",
      ),
    max_age: duration({ min: 1_000, max: 86_400_000 })
      .default(300_000)
      .describe("bytes older than this are dropped and counted"),
    push_url: url()
      .optional()
      .describe("the gateways' push listener, such as https://gateway:7765/push"),
    push_urls: z
      .array(url())
      .min(1)
      .max(16)
      .optional()
      .meta({ unit: "list of URLs", range: "1 … 16" })
      .describe("instead of push_url, where no one name stands for all gateway instances"),
    ...keyFields,
    push: push.prefault({}).describe("how packets are made and sent"),
    management_address: address()
      .prefault("127.0.0.1:9465")
      .describe("where /metrics, /healthz and /readyz listen"),
    log_level: choice(logLevels).default("info").describe("the least level that is logged"),
    shutdown_grace: duration({ min: 0, max: 600_000 })
      .default(10_000)
      .describe("time to push what is left after SIGTERM"),
  })
  .superRefine((config, context) => {
    checkSupply(config, context);
    const problem = (path: string[], message: string): void =>
      context.addIssue({ code: "custom", path, message });
    if (countKeys(config) !== 1) problem([], needsOneKey);
    if ((config.push_url === undefined) === (config.push_urls === undefined)) {
      problem([], "needs either push_url or push_urls");
    }
    const urls = pushUrls(config);
    if (new Set(urls.map(({ href }) => href)).size !== urls.length) {
      problem(["push_urls"], "two are the same");
    }
    const field = config.push_urls === undefined ? "push_url" : "push_urls";
    const isPlain = ({ protocol, hostname }: URL) => protocol === "http:" && !isLoopback(hostname);
    if (urls.some(isPlain) && !config.push.allow_plaintext) {
      problem([field], "must be https beyond loopback, or set push.allow_plaintext: true");
    }
    const { certificate_file, key_file } = config.push.tls;
    if ((certificate_file === undefined) !== (key_file === undefined)) {
      problem(["push", "tls"], "needs certificate_file and key_file together");
    }
    if (config.push.packet_size > config.buffer_size) {
      problem(["push", "packet_size"], "must not be above buffer_size");
    }
    if (largestChunk(config) > config.buffer_size) {
      problem(["fetch_chunk_size"], "must not be above buffer_size");
    }
  });

/** Where packets go. */
export function pushUrls(config: {
  readonly push_url?: string | undefined;
  readonly push_urls?: readonly string[] | undefined;
}): URL[] {
  const { push_url, push_urls = push_url === undefined ? [] : [push_url] } = config;
  return push_urls.map((text) => new URL(text));
}

export type CollectorConfig = z.output<typeof collectorConfig>;
/** As it is written to a file. */
export type CollectorConfigInput = z.input<typeof collectorConfig>;
