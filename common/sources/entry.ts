import { z } from "zod";
import { choice, duration, flag, size } from "../config/fields.ts";
import {
  authFile,
  checkHttp,
  commonFields,
  freeAuth,
  freeFetches,
  freeUrl,
  interval,
  named,
  sourceUrl,
  tlsFields,
} from "./entryFields.ts";
import { parseJsonPath } from "./jsonPath.ts";
import { anuPause, anuUrl, aqnUrl, qryptBlock, qryptPause } from "./providers.ts";

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
