import { z } from "zod";
import { maxCount } from "../api/routes/fields.ts";
import { floatList } from "../api/routes/floats.ts";
import { integerList } from "../api/routes/integers.ts";
import { maxUint64, minInt64 } from "../draw/sample.ts";
import { qualityBody } from "../quality.ts";
import { statusBody } from "../status.ts";
import { textEncodings } from "./service.ts";
import { bindTool, type BoundTool } from "./tool.ts";

/** An answer holds its bytes twice, and a model reads it: whoever wants more has /api/stream. */
const maxBytes = 2 ** 20;

const countField = () => z.int().min(1).max(maxCount).default(1).describe("how many");

/** JSON numbers are exact to 2^53 only, so that larger ones come as text. */
const boundField = () => {
  const expected = "must be a whole number of signed or unsigned 64 bits";
  return z
    .union([z.int(), z.string().regex(/^(?:0|-?[1-9]\d{0,19})$/, expected)], expected)
    .transform(BigInt)
    .refine((value) => value >= minInt64 && value <= maxUint64, expected);
};

const bytesTool = bindTool({
  name: "get_random_bytes",
  title: "Random bytes",
  description: "Draws random bytes, each of which is served once.",
  draws: true,
  input: z.strictObject({
    bytes: z.int().min(1).max(maxBytes).default(32).describe("before encoding"),
    encoding: z.enum(textEncodings).default("hex"),
  }),
  output: z.strictObject({
    bytes: z.int().positive(),
    encoding: z.enum(textEncodings),
    data: z.string().describe("the bytes, encoded"),
  }),
  run: async (service, { bytes, encoding }, signal) => ({
    bytes,
    encoding,
    data: await service.bytes(bytes, encoding, signal),
  }),
});

const integersTool = bindTool({
  name: "get_random_integers",
  title: "Random integers",
  description: "Draws integers, each uniform in [min, max] and independent of the others.",
  draws: true,
  input: z.strictObject({
    count: countField(),
    min: boundField().prefault(0).describe("the least value; beyond ±(2^53 − 1) as text"),
    max: boundField().prefault(100).describe("the greatest value; beyond ±(2^53 − 1) as text"),
  }),
  output: z.strictObject({ integers: integerList }),
  run: async (service, range, signal) => ({ integers: await service.integers(range, signal) }),
});

const floatsTool = bindTool({
  name: "get_random_floats",
  title: "Random floats",
  description: "Draws numbers uniform in [0, 1), with 53 random bits each.",
  draws: true,
  input: z.strictObject({ count: countField() }),
  output: z.strictObject({ floats: floatList }),
  run: async (service, { count }, signal) => ({ floats: await service.floats(count, signal) }),
});

const uuidTool = bindTool({
  name: "get_random_uuid",
  title: "Random UUIDs",
  description: "Draws random UUIDs (version 4).",
  draws: true,
  input: z.strictObject({ count: countField() }),
  output: z.strictObject({ uuids: z.array(z.uuidv4()) }),
  run: async (service, { count }, signal) => ({ uuids: await service.uuids(count, signal) }),
});

const statusTool = bindTool({
  name: "get_status",
  title: "Gateway status",
  description:
    "Says how full and how fresh the gateway's buffer is, whether the source is simulated, and what is wrong. Uses no random bytes.",
  draws: false,
  input: z.strictObject({}),
  output: statusBody,
  run: (service, _input, signal) => service.status(signal),
});

const qualityTool = bindTool({
  name: "get_data_quality",
  title: "Data quality",
  description:
    "Says what the continuous FIPS 140-2 check found in the bytes that came in, before they were conditioned. Uses no random bytes.",
  draws: false,
  input: z.strictObject({}),
  output: qualityBody,
  run: async (service, _input, signal) => (await service.status(signal)).quality,
});

/** The six tools, for a server over HTTP and over stdio alike. */
export const tools: readonly BoundTool[] = [
  bytesTool,
  integersTool,
  floatsTool,
  uuidTool,
  statusTool,
  qualityTool,
];
