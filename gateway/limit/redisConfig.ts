import { z } from "zod";
import { duration, file, flag, isLoopback } from "../../common/config/fields.ts";

/** Where a Redis is, and as whom to connect. */
export interface RedisUrl {
  readonly isTls: boolean;
  readonly host: string;
  readonly port: number;
  readonly database: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/** @returns undefined when it is none: `redis[s]://[[user]:password@]host[:port][/database]` */
export function parseRedisUrl(text: string): RedisUrl | undefined {
  const url = /^rediss?:\/\/[^?#]+$/.test(text) ? URL.parse(text) : null;
  const database = /^\/?(\d{0,4})$/.exec(url?.pathname ?? "-")?.[1];
  if (url === null || database === undefined || url.hostname === "") return undefined;
  try {
    const decode = (part: string): string | undefined => decodeURIComponent(part) || undefined;
    return {
      isTls: url.protocol === "rediss:",
      host: url.hostname.replace(/^\[|\]$/g, ""),
      port: Number(url.port || 6379),
      database: Number(database),
      username: decode(url.username),
      password: decode(url.password),
    };
  } catch {
    return undefined; // a broken %-escape
  }
}

/** What is wrong with a URL that was read, or undefined. */
export function urlProblem(
  url: RedisUrl | undefined,
  { allow_plaintext: allowPlaintext, ca_file: caFile }: PlaintextRules,
): string | undefined {
  if (url === undefined) return "must be a redis or rediss URL";
  if (url.isTls) return undefined;
  if (caFile !== undefined) return "must be rediss, to which ca_file belongs";
  if (isLoopback(url.host) || allowPlaintext) return undefined;
  return "must be rediss beyond loopback, or allow_plaintext: true";
}

interface PlaintextRules {
  readonly allow_plaintext: boolean;
  readonly ca_file?: string | undefined;
}

/** The Redis or Valkey in which replicas count limits together. */
export const redisConfig = z
  .strictObject({
    url: z
      .string()
      .max(2048)
      .optional()
      .meta({ unit: "URL", range: "redis or rediss (TLS)" })
      .describe("the server, such as rediss://redis.example:6379/0"),
    url_file: file().optional().describe("a file with the URL, when it holds a password"),
    username: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .meta({ unit: "text", range: "1 … 256 characters" })
      .describe("instead of the URL's"),
    password_file: file().optional().describe("a file with the password, instead of the URL's"),
    ca_file: file()
      .optional()
      .describe("PEM of the CAs that may sign its certificate; the system's when left out"),
    key_prefix: z
      .string()
      .regex(/^[\x21-\x7e]{0,64}$/, "must be at most 64 visible characters")
      .default("qrng-gateway:")
      .meta({ unit: "text", range: "0 … 64 characters" })
      .describe("what the names of its keys begin with; replicas that share limits have the same"),
    timeout: duration({ min: 10, max: 5_000 })
      .default(200)
      .describe("how long a request waits for it; then limits are per process until it answers"),
    allow_plaintext: flag().default(false).describe("allows redis without TLS beyond loopback"),
  })
  .superRefine((config, context) => {
    const problem = (path: string[], message: string): void =>
      context.addIssue({ code: "custom", path, message });
    if ((config.url === undefined) === (config.url_file === undefined)) {
      problem([], "needs either url or url_file");
    }
    if (config.url === undefined) return;
    const wrong = urlProblem(parseRedisUrl(config.url), config);
    if (wrong !== undefined) problem(["url"], wrong);
  });

export type RedisConfig = z.output<typeof redisConfig>;
