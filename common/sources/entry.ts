import { z } from "zod";
import { choice, duration, file, flag, integer, isLoopback, size, url } from "../config/fields.ts";
import { parseJsonPath } from "./jsonPath.ts";
import { anuPause, anuUrl, aqnUrl, qryptBlock, qryptPause } from "./providers.ts";
import { sizedUrl } from "./sizedUrl.ts";

export const sourceName = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;

/** HTTPS, or plain http to this machine itself. */
export const sourceUrl = () => securely(url());

function securely<Text extends z.ZodType<string>>(text: Text) {
  return text.refine(
    (value) => {
      const { protocol, hostname } = new URL(value);
      return protocol === "https:" || isLoopback(hostname);
    },
    {
      error: "must be https, or http to a loopback address",
      when: (payload) => payload.issues.length === 0,
    },
  );
}

export const chunkSize = () => size({ min: 64, max: 2 ** 20 });
export const interval = () => duration({ min: 0, max: 3_600_000 });
export const timeout = () => duration({ min: 100, max: 600_000 });
export const defaultMinEntropy = 7900;

const commonFields = {
  fetch_timeout: timeout().optional().describe("time for one fetch"),
  min_entropy_millibits_per_byte: integer({ min: 1000, max: 8000 }, "1/1000 bit")
    .default(defaultMinEntropy)
    .describe(
      "what it is trusted to bring in each byte: the health tests and mixing count with it",
    ),
};

const freeFetches = {
  fetch_chunk_size: chunkSize().optional().describe("bytes of one fetch"),
  fetch_interval: interval().optional().describe("pause between two fetches"),
};

const tlsFields = {
  ca_file: file()
    .optional()
    .describe("PEM of the CAs that may sign its certificate; the system's when left out"),
  pinned_certificate_sha256s: z
    .array(z.string().regex(/^(?:[0-9a-fA-F]{2}:?){32}(?<!:)$/, "must be 64 hex digits"))
    .min(1)
    .max(4)
    .optional()
    .meta({ unit: "list of hex", range: "1 … 4" })
    .describe(
      "SHA-256 of the certificates that it may show, with or without colons; with no ca_file they alone are the trust",
    ),
  client_certificate_file: file()
    .optional()
    .describe("the certificate that it is shown, where it asks for one, PEM"),
  client_key_file: file().optional().describe("its private key, PEM"),
  proxy_url: url()
    .meta({ unit: "URL", range: "http" })
    .optional()
    .describe("an HTTP proxy that leads to it by CONNECT; TLS goes through it unopened"),
  proxy_auth_file: file().optional().describe("a file with `user:password` for that proxy"),
};

const authFile = () => file().meta({ unit: "path", range: "one line" });

const named = <const Type extends string>(type: Type) => ({
  name: z
    .string()
    .max(40)
    .regex(sourceName, "must be lower-case letters, digits and hyphens, starting with a letter")
    .meta({ unit: "name", range: "1 … 40 of a-z 0-9 -" })
    .describe("the source's name in logs and metrics"),
  type: z.literal(type).meta({ unit: "name" }).describe("the interface that it speaks"),
});

const quantis = z
  .strictObject({
    ...named("Quantis"),
    url: sourceUrl().describe("the appliance itself; the API's path is added"),
    ...tlsFields,
    ...freeFetches,
    ...commonFields,
    simulated: flag()
      .default(false)
      .describe("this is a simulated appliance; one that is not named so is refused"),
  })
  .superRefine(checkHttp);

const anuChunk = () => size({ min: 64, max: 1024 }).default(1024).describe("bytes of one fetch");

const anu = z
  .strictObject({
    ...named("Anu"),
    url: sourceUrl().default(anuUrl).describe("the service's page"),
    ...tlsFields,
    fetch_chunk_size: anuChunk(),
    fetch_interval: duration({ min: anuPause, max: 3_600_000 })
      .default(anuPause)
      .describe("pause between two fetches; the service wants a minute at least"),
    ...commonFields,
  })
  .superRefine(checkHttp);

const aqn = z
  .strictObject({
    ...named("Aqn"),
    url: sourceUrl().default(aqnUrl).describe("the service"),
    ...tlsFields,
    auth_file: authFile().describe("a file with the API key"),
    fetch_chunk_size: anuChunk(),
    fetch_interval: interval().default(1000).describe("pause between two fetches"),
    ...commonFields,
  })
  .superRefine(checkHttp);

const qrypt = z
  .strictObject({
    ...named("Qrypt"),
    url: sourceUrl().describe(
      "the service in its region, such as https://api-eus.qrypt.com; the API's path is added",
    ),
    ...tlsFields,
    auth_file: authFile().describe("a file with the access token"),
    fetch_chunk_size: size({ min: qryptBlock, max: 512 * qryptBlock })
      .refine((bytes) => bytes % qryptBlock === 0, "must be a multiple of 1KiB")
      .default(65_536)
      .describe("bytes of one fetch, in whole KiB"),
    fetch_interval: duration({ min: qryptPause, max: 3_600_000 })
      .default(qryptPause)
      .describe("pause between two fetches; the service allows 30 in 10 s"),
    ...commonFields,
  })
  .superRefine(checkHttp);

const freeUrl = () =>
  securely(sizedUrl()).describe(
    "what is asked for; `{bytes}` in it becomes fetch_chunk_size in bytes, as in https://192.0.2.7/random?size={bytes}",
  );

const freeAuth = {
  auth_file: authFile().optional().describe("a file with the token, key or other credential"),
  auth_header: z
    .string()
    .max(64)
    .regex(/^[A-Za-z][A-Za-z0-9-]*$/, "must be a header's name, such as X-API-Key")
    .refine((name) => !ownHeaders.has(name.toLowerCase()), "must not be a header with another use")
    .optional()
    .meta({ unit: "name", range: "1 … 64 of A-Z a-z 0-9 -" })
    .describe(
      "the header that takes what auth_file holds, as it is; when left out, `Authorization: Bearer` does",
    ),
};

const ownHeaders = new Set(
  "accept-encoding cache-control connection content-length expect host keep-alive proxy-authorization te trailer transfer-encoding upgrade user-agent".split(
    " ",
  ),
);

const httpBytes = z
  .strictObject({
    ...named("HttpBytes"),
    url: freeUrl(),
    ...tlsFields,
    ...freeAuth,
    ...freeFetches,
    ...commonFields,
  })
  .superRefine(checkHttp);

const httpJson = z
  .strictObject({
    ...named("HttpJson"),
    url: freeUrl(),
    ...tlsFields,
    ...freeAuth,
    path: z
      .string()
      .refine(
        (path) => parseJsonPath(path) !== undefined,
        "must be keys and positions, such as data.random[0]",
      )
      .optional()
      .meta({ unit: "path", range: "1 … 16 steps" })
      .describe(
        "where in the JSON the bytes are, such as `data.random[0]`; all of it when left out",
      ),
    encoding: choice(["array", "hex", "base64"]).describe(
      "how they are written: a list of 0 … 255, or a text (or a list of texts, in a row)",
    ),
    ...freeFetches,
    ...commonFields,
  })
  .superRefine(checkHttp);

const device = z.strictObject({
  ...named("File"),
  path: z
    .string()
    .max(4096)
    .regex(/^\/[^\0]/, "must be an absolute path, such as /dev/qrandom0")
    .meta({ unit: "path", range: "absolute" })
    .describe("a character device or a FIFO"),
  ...freeFetches,
  ...commonFields,
});

const types = ["Quantis", "Anu", "Aqn", "Qrypt", "HttpBytes", "HttpJson", "File"] as const;

/** One entry of `sources`; what it leaves out comes from the fields of the same meaning above it. */
export const sourceEntry = z.discriminatedUnion(
  "type",
  [quantis, anu, aqn, qrypt, httpBytes, httpJson, device],
  {
    error: ({ code }) => (code === "invalid_union" ? `must be one of ${types.join(", ")}` : null),
  },
);

export type SourceEntry = z.output<typeof sourceEntry>;
export type EntryOf<Type extends SourceEntry["type"]> = Extract<SourceEntry, { type: Type }>;
export type HttpEntry = Exclude<SourceEntry, { type: "File" }>;

interface HttpFields {
  readonly url: string;
  readonly client_certificate_file?: string | undefined;
  readonly client_key_file?: string | undefined;
  readonly proxy_url?: string | undefined;
  readonly proxy_auth_file?: string | undefined;
  readonly auth_file?: string | undefined;
  readonly auth_header?: string | undefined;
}

/** What the fields of one source together are not allowed to say. */
function checkHttp(entry: HttpFields, context: z.RefinementCtx): void {
  const problem = (field: keyof HttpFields, message: string): void =>
    context.addIssue({ code: "custom", path: [field], message });
  if ((entry.client_certificate_file === undefined) !== (entry.client_key_file === undefined)) {
    problem("client_certificate_file", "goes together with client_key_file");
  }
  if (entry.proxy_auth_file !== undefined && entry.proxy_url === undefined) {
    problem("proxy_auth_file", "goes with proxy_url");
  }
  if (entry.auth_header !== undefined && entry.auth_file === undefined) {
    problem("auth_header", "goes with auth_file");
  }
  if (entry.proxy_url?.startsWith("https:") === true) {
    problem("proxy_url", "must be http; what goes through it is TLS all the same");
  }
  if (entry.proxy_url !== undefined && new URL(entry.url).protocol === "http:") {
    problem("proxy_url", "has no function with an http url, which is this machine's own");
  }
}
