import { z } from "zod";
import { choice, flag, integer } from "../../common/config/fields.ts";
import { partName, set, text } from "./fields.ts";
import { resourceUrl } from "./hosts.ts";
import { egress } from "./network.ts";
import { caRef, certificateRef, secretRef } from "./references.ts";
import { type Rules, withRules } from "./rule.ts";

export const sourceTypes = ["Quantis", "Anu", "Aqn", "Qrypt", "HttpBytes", "HttpJson"] as const;

/** SHA-256 of a certificate's DER. */
const fingerprint = () =>
  text({ min: 64, max: 64, pattern: /^[0-9a-fA-F]{64}$/, expected: "64 hex digits", unit: "hex" });

const loopback = String.raw`http://(localhost|127([.][0-9]{1,3}){3}|\[::1\])(:[0-9]{1,5})?`;
/** Any text without these characters, but with `{bytes}`. */
const sized = (without: string): string => String.raw`([^${without}#\s{}]|[{]bytes[}])*`;
const secretInQuery = "[?&][^=&]*(key|token|secret|passw|auth|credential|signature)[^=&]*=";

const sourceFields = z.strictObject({
  name: partName().meta({
    description: "the source's name in status, logs and metrics",
    example: "lab",
  }),
  type: choice(sourceTypes).meta({
    description: "the interface that it speaks",
    example: "Quantis",
  }),
  url: resourceUrl({
    pattern: `^(https://[^/?#@\\s{}]+|${loopback})(/${sized("?")})?([?]${sized("")})?$`,
    expected: "https, or http to a loopback address, without credentials and fragment",
  }).meta({
    description:
      "where it is: https, or http to a loopback address. For Quantis and Qrypt without the API's path, which is added. For HttpBytes and HttpJson `{bytes}` in it becomes chunkBytes",
    example: "https://192.0.2.10",
  }),
  chunkBytes: integer({ min: 64, max: 2 ** 20 }, "bytes")
    .optional()
    .meta({
      description: "of one fetch. Anu and Aqn: at most 1024. Qrypt: whole KiB, at most 524288",
      example: 65_536,
      fallback: "65536, or as much as type and buffer allow",
    }),
  intervalMilliseconds: integer({ min: 0, max: 3_600_000 }, "milliseconds").optional().meta({
    description: "pause between two fetches. Anu: at least 60000. Qrypt: at least 400",
    example: 1000,
    fallback: "100, or what the type's provider allows",
  }),
  timeoutMilliseconds: integer({ min: 100, max: 600_000 }, "milliseconds").optional().meta({
    description: "time for one fetch",
    example: 10_000,
    fallback: "10000",
  }),
  path: text({
    max: 256,
    pattern:
      /^([A-Za-z_][-A-Za-z0-9_]*|\[[0-9]{1,4}\])(\.[A-Za-z_][-A-Za-z0-9_]*|\[[0-9]{1,4}\])*$/,
    expected: "keys and positions, such as data.random[0]",
    unit: "path",
  })
    .optional()
    .meta({
      description: "HttpJson: where in the answer the bytes are",
      example: "data.random[0]",
      fallback: "the whole answer",
    }),
  encoding: choice(["Array", "Hex", "Base64"])
    .optional()
    .meta({ description: "HttpJson: how they are written there", example: "Hex" }),
  authSecretRef: secretRef
    .optional()
    .meta({ description: "its API key or token. Aqn and Qrypt need one" }),
  authHeader: text({
    max: 64,
    pattern: /^[A-Za-z][-A-Za-z0-9]*$/,
    expected: "a header's name, such as X-API-Key",
    unit: "name",
  })
    .optional()
    .meta({
      description:
        "HttpBytes and HttpJson: the header that takes what authSecretRef holds, as it is",
      example: "X-API-Key",
      fallback: "Authorization, behind the word Bearer",
    }),
  caRef: caRef.optional().meta({
    description: "PEM of the CAs that may sign its certificate; the system's when left out",
  }),
  pinnedCertificateSha256s: set(fingerprint(), { min: 1, max: 4 })
    .optional()
    .meta({
      description:
        "SHA-256 of the certificates that it may show; without caRef they alone are trusted",
      example: ["ab".repeat(32)],
    }),
  clientCertificateRef: certificateRef
    .optional()
    .meta({ description: "the certificate that is shown to it, with its key" }),
  egress: egress
    .optional()
    .meta({ description: "what the URL's host name stands for; an address needs none" }),
  minEntropyMillibitsPerByte: integer({ min: 1000, max: 8000 }, "1/1000 bit").default(7900).meta({
    description: "min-entropy that a byte of it is trusted to have, for tests and mixing",
    example: 7900,
  }),
  simulated: flag().default(false).meta({
    description: "this is a simulated Quantis appliance; one that is not named so is refused",
    example: true,
  }),
});

const hasKey = ["Aqn", "Qrypt"];
const hasNoKey = ["Quantis", "Anu"];
const takesAnyUrl = ["HttpBytes", "HttpJson"];

/** What the types of sources ask for. */
export const sourceRules = {
  keyNeeded: {
    path: ["authSecretRef"],
    cel: "!(self.type in ['Aqn', 'Qrypt']) || has(self.authSecretRef)",
    holds: ({ type, authSecretRef }) => !hasKey.includes(type) || authSecretRef !== undefined,
    message: "Aqn and Qrypt need the Secret that holds the API key or token",
  },
  keyRefused: {
    path: ["authSecretRef"],
    cel: "!(self.type in ['Quantis', 'Anu']) || !has(self.authSecretRef)",
    holds: ({ type, authSecretRef }) => !hasNoKey.includes(type) || authSecretRef === undefined,
    message: "Quantis and Anu take no credentials; leave it out",
  },
  query: {
    path: ["url"],
    cel: "self.type in ['HttpBytes', 'HttpJson'] || !self.url.matches('[?{]')",
    holds: ({ type, url }) => takesAnyUrl.includes(type) || !/[?{]/.test(url),
    message: "a query and {bytes} go with HttpBytes and HttpJson; other types add their own",
  },
  secretInUrl: {
    path: ["url"],
    cel: `!self.url.matches('(?i)${secretInQuery}')`,
    holds: ({ url }) => !new RegExp(secretInQuery, "i").test(url),
    message: "must not hold a credential, which logs on the way would keep; use authSecretRef",
  },
  header: {
    path: ["authHeader"],
    cel:
      "!has(self.authHeader) || " +
      "(has(self.authSecretRef) && self.type in ['HttpBytes', 'HttpJson'])",
    holds: ({ type, authHeader, authSecretRef }) =>
      authHeader === undefined || (authSecretRef !== undefined && takesAnyUrl.includes(type)),
    message: "goes with HttpBytes and HttpJson, and with authSecretRef",
  },
  plaintext: {
    path: ["url"],
    cel:
      "self.url.startsWith('https:') || (!has(self.caRef) && " +
      "!has(self.pinnedCertificateSha256s) && !has(self.clientCertificateRef))",
    holds: ({ url, caRef, pinnedCertificateSha256s, clientCertificateRef }) =>
      url.startsWith("https:") ||
      [caRef, pinnedCertificateSha256s, clientCertificateRef].every((field) => field === undefined),
    message:
      "http has no certificates: leave out caRef, pins and clientCertificateRef, or use https",
  },
  place: {
    path: ["path"],
    cel: "!has(self.path) || self.type == 'HttpJson'",
    holds: ({ type, path }) => path === undefined || type === "HttpJson",
    message: "goes with HttpJson; leave it out",
  },
  encoding: {
    path: ["encoding"],
    cel: "(self.type == 'HttpJson') == has(self.encoding)",
    holds: ({ type, encoding }) => (type === "HttpJson") === (encoding !== undefined),
    message: "HttpJson needs encoding, Array, Hex or Base64; other types have none",
  },
  anuChunk: {
    path: ["chunkBytes"],
    cel: "!(self.type in ['Anu', 'Aqn']) || !has(self.chunkBytes) || self.chunkBytes <= 1024",
    holds: ({ type, chunkBytes = 0 }) => !["Anu", "Aqn"].includes(type) || chunkBytes <= 1024,
    message: "Anu and Aqn give at most 1024 bytes at once",
  },
  qryptChunk: {
    path: ["chunkBytes"],
    cel:
      "self.type != 'Qrypt' || !has(self.chunkBytes) || " +
      "(self.chunkBytes <= 524288 && self.chunkBytes % 1024 == 0)",
    holds: ({ type, chunkBytes = 0 }) =>
      type !== "Qrypt" || (chunkBytes <= 524_288 && chunkBytes % 1024 === 0),
    message: "Qrypt gives whole KiB: must be a multiple of 1024, at most 524288",
  },
  pause: {
    path: ["intervalMilliseconds"],
    cel:
      "!has(self.intervalMilliseconds) || self.intervalMilliseconds >= " +
      "(self.type == 'Anu' ? 60000 : self.type == 'Qrypt' ? 400 : 0)",
    holds: ({ type, intervalMilliseconds = Infinity }) =>
      intervalMilliseconds >= (type === "Anu" ? 60_000 : type === "Qrypt" ? 400 : 0),
    message: "Anu allows a fetch each 60000, Qrypt one each 400: must be at least that",
  },
  simulated: {
    path: ["simulated"],
    cel: "!self.simulated || self.type == 'Quantis'",
    holds: ({ type, simulated }) => !simulated || type === "Quantis",
    message: "the simulated appliance speaks Quantis; set type: Quantis, or leave it out",
  },
} satisfies Rules<z.output<typeof sourceFields>>;

export const source = withRules(sourceFields, sourceRules);
