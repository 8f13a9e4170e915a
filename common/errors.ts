/**
 * The base of every error that this project throws on purpose. Its message is written by us and
 * holds no outside data beyond names, so it may be logged and answered; any other error's message
 * is treated as unsafe (see common/log/safe.ts).
 */
export abstract class BridgeError extends Error {
  /** Stable, for programs: metric labels, problem+json, tests. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** The user's configuration is wrong: waits for an edit, is never retried. */
export class ConfigError extends BridgeError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_CONFIG", message, options);
  }
}

/** Node's error code (`ECONNREFUSED`, …) of an unknown thrown value, or undefined. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
