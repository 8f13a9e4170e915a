import { BridgeError, errorCode } from "../errors.ts";
import { stackPositions } from "./stack.ts";
import { masked, publicText, safeText } from "./text.ts";

/**
 * What a log line may hold. Everything logged goes through `safe`: our own errors keep their text,
 * every other error only its class, code and stack positions, since libraries quote what they were
 * given; binary becomes its length; names that mean a secret, and strings that look like one, are
 * masked whoever logs them.
 */
const maxDepth = 6;
const maxItems = 50;
/** Values in one line; what refers to itself would else fill `maxItems` to the power of depth. */
const maxValues = 500;
/** Longer lists of numbers could be bytes. */
const maxNumbers = 8;
const secretName =
  /key$|secret|password|passphrase|token|authorization|cookie|credential|^data$|signature|^body$|api_?key/i;
/** Names whose values are public although they are long. */
const publicName = /sha256$|^path$|^files?$|^config$|^directory$|^url$|^object$|^informer$|_file$/;
const publicCode = /^[A-Z][A-Z0-9_]{0,63}$/;

interface Budget {
  values: number;
}

/** Never throws, whatever getters and proxies do. */
export function safe(value: unknown): unknown {
  return safeValue(value, "", 0, { values: maxValues });
}

function safeValue(value: unknown, name: string, depth: number, budget: Budget): unknown {
  if (--budget.values < 0) return "[…]";
  // Anything can be thrown, also a text of others.
  if (name === "error" && !(value instanceof Error)) return `[${typeof value}]`;
  switch (typeof value) {
    case "undefined":
      return value;
    case "number":
    case "boolean":
      return secretName.test(name) ? masked : value;
    case "bigint":
      return secretName.test(name) ? masked : value.toString();
    case "string":
      if (secretName.test(name)) return masked;
      return publicName.test(name) ? publicText(value) : safeText(value);
    case "object":
      if (value === null) return null;
      try {
        return safeObject(value, name, depth, budget);
      } catch {
        return "[unreadable]"; // a getter or a proxy threw
      }
    default:
      return `[${typeof value}]`;
  }
}

function safeObject(value: object, name: string, depth: number, budget: Budget): unknown {
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (secretName.test(name)) return masked;
  if (depth >= maxDepth) return "[…]";
  if (value instanceof Error) return safeError(value, depth, budget);
  if (value instanceof Date) return Date.prototype.toISOString.call(value);
  if (Array.isArray(value)) return safeArray(value, name, depth, budget);
  // Maps, streams, sockets, requests: nothing of ours logs them, and they hold more than they show.
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return `[${className(value)}]`;
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, maxItems)
      .map(([key, field]) => [safeText(key), safeValue(field, key, depth + 1, budget)]),
  );
}

function safeArray(items: unknown[], name: string, depth: number, budget: Budget): unknown {
  const numbers = items.filter((item) => typeof item === "number" || typeof item === "bigint");
  if (numbers.length > maxNumbers) return `[${items.length} items]`;
  return items.slice(0, maxItems).map((item) => safeValue(item, name, depth + 1, budget));
}

function safeError(error: Error, depth: number, budget: Budget): Record<string, unknown> {
  const known = error instanceof BridgeError;
  const inner = (value: unknown): unknown =>
    value instanceof Error ? safeValue(value, "", depth + 1, budget) : undefined;
  const code = errorCode(error);
  return {
    type: className(error),
    code: code !== undefined && publicCode.test(code) ? safeText(code) : undefined,
    message: known ? safeText(error.message) : undefined,
    cause: inner(error.cause),
    errors:
      error instanceof AggregateError ? error.errors.slice(0, maxItems).map(inner) : undefined,
    stack: known ? undefined : stackPositions(error),
  };
}

function className(value: object): string {
  const name: unknown = value.constructor?.name;
  return typeof name === "string" && /^[A-Za-z_]\w{0,63}$/.test(name) ? safeText(name) : "Object";
}
