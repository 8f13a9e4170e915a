import { z } from "zod";
import { duration, file, integer, isLoopback, size, url } from "../config/fields.ts";
import { sizedUrl } from "./sizedUrl.ts";

const sourceName = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;

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

export const commonFields = {
  fetch_timeout: timeout().optional().describe("time for one fetch"),
  min_entropy_millibits_per_byte: integer({ min: 1000, max: 8000 }, "1/1000 bit")
    .default(defaultMinEntropy)
    .describe(
      "what it is trusted to bring in each byte: the health tests and mixing count with it",
    ),
};

export const freeFetches = {
  fetch_chunk_size: chunkSize().optional().describe("bytes of one fetch"),
  fetch_interval: interval().optional().describe("pause between two fetches"),
};

export const tlsFields = {
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

export const authFile = () => file().meta({ unit: "path", range: "one line" });

export const named = <const Type extends string>(type: Type) => ({
  name: z
    .string()
    .max(40)
    .regex(sourceName, "must be lower-case letters, digits and hyphens, starting with a letter")
    .meta({ unit: "name", range: "1 … 40 of a-z 0-9 -" })
    .describe("the source's name in logs and metrics"),
  type: z.literal(type).meta({ unit: "name" }).describe("the interface that it speaks"),
});

export const freeUrl = () =>
  securely(sizedUrl()).describe(
    "what is asked for; `{bytes}` in it becomes fetch_chunk_size in bytes, as in https://192.0.2.7/random?size={bytes}",
  );

export const freeAuth = {
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
export function checkHttp(entry: HttpFields, context: z.RefinementCtx): void {
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
