import { z } from "zod";
import { errorCode } from "../common/errors.ts";
import { floatList } from "../gateway/api/routes/floats.ts";
import { integerList } from "../gateway/api/routes/integers.ts";
import type { RandomService } from "../gateway/mcp/service.ts";
import { Problem } from "../gateway/problem.ts";
import { qualityBody } from "../gateway/quality.ts";
import { lastPushBody, statusBody } from "../gateway/status.ts";
import type { Options } from "./options.ts";

/** More than the largest answer, 1 MiB as hex, by far. */
const maxAnswerBytes = 8 * 2 ** 20;
const timeoutMilliseconds = 30_000;

/** A later gateway may say more of itself. */
const anyStatus = statusBody
  .extend({ quality: qualityBody.strip(), last_pushes: z.array(lastPushBody.strip()) })
  .strip();

const problemAnswer = z.object({
  status: z.int().min(400).max(599),
  code: z.string(),
  detail: z.string(),
});

/** A gateway that is reached by its REST API: what it refuses is thrown as the Problem that it sent. */
export function createHttpService({ url, key }: Options): RandomService {
  const get = async (
    path: string,
    query: Readonly<Record<string, string | number | bigint>>,
    signal: AbortSignal,
  ): Promise<string> => {
    const target = new URL(path, url);
    for (const [name, value] of Object.entries(query)) target.searchParams.set(name, String(value));
    const response = await fetch(target, {
      headers: { authorization: `Bearer ${key}`, "user-agent": "qrng-bridge-mcp" },
      redirect: "manual", // the key goes to this gateway only
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMilliseconds)]),
    }).catch(asUnreachable);
    const text = await readText(response).catch(asUnreachable);
    if (response.status === 200) return text;
    throw asProblem(response, text);
  };

  return {
    bytes: async (count, encoding, signal) => {
      const text = await get("api/random", { bytes: count, encoding }, signal);
      // A proxy's own page must not pass for random bytes.
      return Buffer.from(text, encoding).toString(encoding) === text &&
        Buffer.byteLength(text, encoding) === count
        ? text
        : unexpected();
    },
    integers: async ({ count, min, max }, signal) =>
      parse(integerList.length(count), await get("api/integers", { count, min, max }, signal)),
    floats: async (count, signal) =>
      parse(floatList.length(count), await get("api/floats", { count }, signal)),
    uuids: async (count, signal) => {
      const text = await get("api/uuid", { count }, signal);
      return parse(uuidList.length(count), count === 1 ? JSON.stringify([text]) : text);
    },
    status: async (signal) => parse(anyStatus, await get("api/status", {}, signal)),
  };
}

const uuidList = z.array(z.uuidv4());

function parse<Output>(schema: z.ZodType<Output>, text: string): Output {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return unexpected(); // no cause: it quotes the answer
  }
}

/** The body, when it is not too long. */
async function readText({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > maxAnswerBytes) unexpected();
  }
  return Buffer.concat(chunks).toString("utf8");
}

function asProblem(response: Response, text: string): Problem {
  const wait = response.headers.get("retry-after") ?? "";
  const headers = /^\d{1,9}$/.test(wait) ? { "retry-after": wait } : undefined;
  try {
    const { status, code, detail } = problemAnswer.parse(JSON.parse(text));
    return new Problem(status, code, detail, headers);
  } catch {
    const detail = `something before the gateway answered ${response.status}`;
    return new Problem(502, "ERR_GATEWAY_ANSWER", detail, headers);
  }
}

function asUnreachable(error: unknown): never {
  if (error instanceof Problem) throw error;
  if (error instanceof Error && error.name === "TimeoutError") {
    throw new Problem(504, "ERR_GATEWAY_TIMEOUT", "the gateway did not answer in time");
  }
  const code = errorCode(error instanceof Error ? error.cause : undefined) ?? "unknown";
  throw new Problem(502, "ERR_GATEWAY_UNREACHABLE", `the gateway cannot be reached (${code})`);
}

function unexpected(): never {
  throw new Problem(502, "ERR_GATEWAY_ANSWER", "the answer is not one of a QRNG Bridge gateway");
}
