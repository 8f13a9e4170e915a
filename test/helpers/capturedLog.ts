import { createLogger, type Logger, type LogLevel } from "../../common/log/logger.ts";

export interface CapturedLog {
  readonly log: Logger;
  /** Everything written so far, as it would stand on stdout. */
  text(): string;
  /** The same, parsed. */
  lines(): Record<string, unknown>[];
  /** The messages, in order. */
  messages(): unknown[];
}

/** The real logger, writing to memory. */
export function captureLog(level: LogLevel = "trace"): CapturedLog {
  const written: string[] = [];
  const log = createLogger("test", level, { write: (line) => void written.push(line) });
  const lines = (): Record<string, unknown>[] =>
    written.map((line) => JSON.parse(line) as Record<string, unknown>);
  return {
    log,
    text: () => written.join(""),
    lines,
    messages: () => lines().map((line) => line["message"]),
  };
}
