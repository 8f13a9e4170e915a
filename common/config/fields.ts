import { isIP } from "node:net";
import { z } from "zod";
import { formatDuration, formatSize, parseDuration, parseSize } from "./units.ts";

/**
 * The kinds of config fields. Each carries what the README's table says of it (unit and range), so
 * that the table is made from the schema and cannot drift from it.
 */
export interface FieldMeta {
  readonly unit: string;
  readonly range: string;
  readonly [key: string]: unknown;
}

interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** Milliseconds, from `100ms`, `1s`, `5m`, `1h` or an integer. */
export function duration(bounds: Bounds) {
  return quantity(bounds, parseDuration, formatDuration, {
    expected: "a duration such as 100ms or 1s, or a whole number of milliseconds",
    unit: "duration",
  });
}

/** Bytes, from `8KiB`, `1MiB` or an integer. */
export function size(bounds: Bounds) {
  return quantity(bounds, parseSize, formatSize, {
    expected: "a size such as 8KiB or 1MiB, or a whole number of bytes",
    unit: "size",
  });
}

export function integer(bounds: Bounds, unit: string) {
  return z
    .int()
    .min(bounds.min, `must be at least ${bounds.min}`)
    .max(bounds.max, `must be at most ${bounds.max}`)
    .meta({ unit, range: `${bounds.min} … ${bounds.max}` } satisfies FieldMeta);
}

export function flag() {
  return z.boolean().meta({ unit: "boolean", range: "true, false" } satisfies FieldMeta);
}

export function choice<const Values extends readonly [string, ...string[]]>(values: Values) {
  return z.enum(values).meta({ unit: "name", range: values.join(", ") } satisfies FieldMeta);
}

/** A path; the loader makes it absolute, from the folder that holds the config file. */
export function file() {
  return z
    .string()
    .min(1)
    .max(4096)
    .meta({ unit: "path", range: "1 … 4096 characters" } satisfies FieldMeta);
}

/** An http or https URL without credentials, query or fragment. */
export function url() {
  return z
    .string()
    .max(2048)
    .superRefine((text, context) => {
      const problem = urlProblem(text);
      // Does not continue: what is checked after it parses the URL.
      if (problem !== undefined)
        context.addIssue({ code: "custom", message: problem, continue: false });
    })
    .meta({ unit: "URL", range: "http or https" } satisfies FieldMeta);
}

export interface Address {
  readonly host: string;
  /** 0 … 65535; 0 lets the system pick. */
  readonly port: number;
}

/** `host:port` to listen on; the host is an IP address, IPv6 in brackets. */
export function address() {
  return z
    .string()
    .transform((text, context): Address => {
      const parsed = parseAddress(text);
      if (parsed !== undefined) return parsed;
      context.addIssue({
        code: "custom",
        message: "must be an IP address and a port, such as 127.0.0.1:7764 or [::]:7764",
      });
      return z.NEVER;
    })
    .meta({ unit: "address:port", range: "port 0 … 65535" } satisfies FieldMeta);
}

export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([0-9.]{7,15})):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const host = match[1] ?? match[2] ?? "";
  const port = Number(match[3]);
  const family = match[1] === undefined ? 4 : 6;
  return isIP(host) === family && port <= 65_535 ? { host, port } : undefined;
}

/** `host:port`, IPv6 in brackets. */
export function formatAddress({ host, port }: Address): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A secret in the config itself; wants a `…_file` beside it. Its table row shows no value. */
export function secret(pattern: RegExp, expected: string) {
  return z
    .string()
    .regex(pattern, `must be ${expected}`)
    .meta({ unit: "secret", range: expected } satisfies FieldMeta);
}

function quantity(
  { min, max }: Bounds,
  parse: (value: unknown) => number | undefined,
  format: (value: number) => string,
  { expected, unit }: { expected: string; unit: string },
) {
  return z
    .union([z.string(), z.number()], `must be ${expected}`)
    .transform((value, context): number => {
      const amount = parse(value);
      if (amount !== undefined && amount >= min && amount <= max) return amount;
      const message =
        amount === undefined
          ? `must be ${expected}`
          : `must be from ${format(min)} to ${format(max)}`;
      context.addIssue({ code: "custom", message });
      return z.NEVER;
    })
    .meta({ unit, range: `${format(min)} … ${format(max)}` } satisfies FieldMeta);
}

function urlProblem(text: string): string | undefined {
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  if (parsed === undefined || (parsed.protocol !== "https:" && parsed.protocol !== "http:")) {
    return "must be an http or https URL";
  }
  if (parsed.username !== "" || parsed.password !== "")
    return "must not hold a user name or password";
  if (parsed.search !== "" || parsed.hash !== "") return "must not hold a query or fragment";
  return undefined;
}

/** Whether a URL's host or a listening host is this machine itself. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, "");
  return bare === "localhost" || bare === "::1" || (isIP(bare) === 4 && bare.startsWith("127."));
}
