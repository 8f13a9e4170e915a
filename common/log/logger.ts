import { pino, type DestinationStream } from "pino";
import { safe } from "./safe.ts";

export const logLevels = ["trace", "debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

interface LogLine {
  (fields: object, message: string): void;
  (message: string): void;
}

/** pino's, less `child`: its bindings would bypass the mask. */
export type Logger = Readonly<Record<Exclude<LogLevel, "silent">, LogLine>>;

/**
 * JSON lines on stdout, each with `time` (ISO), `level`, `program` and `message`. What is logged
 * beside the message passes `safe`; messages themselves are literals in our code, never built from
 * outside data.
 */
export function createLogger(
  program: string,
  level: LogLevel,
  destination: DestinationStream = pino.destination({ fd: 1, sync: true }),
): Logger {
  return pino(
    {
      level,
      base: { program },
      messageKey: "message",
      errorKey: "error",
      timestamp: pino.stdTimeFunctions.isoTime,
      // pino would run its own error serializer, which prints messages and stacks.
      serializers: { error: (value: unknown) => value },
      formatters: {
        level: (label) => ({ level: label }),
        log: safeFields,
      },
      hooks: {
        // `log.error(err)` and format arguments would bypass `safe`: only (fields, text) and (text).
        logMethod(args: unknown[], method) {
          const [first, second] = args;
          if (typeof first === "string") return method.call(this, {}, asText(first));
          const fields = first instanceof Error ? { error: first } : (first as object);
          return method.call(this, fields, asText(second));
        },
      },
    },
    destination,
  );
}

function safeFields(fields: object): Record<string, unknown> {
  const shown = safe(fields);
  return typeof shown === "object" && !Array.isArray(shown) ? { ...shown } : { value: shown };
}

function asText(value: unknown): string {
  return typeof value === "string" ? (safe(value) as string) : "error";
}
