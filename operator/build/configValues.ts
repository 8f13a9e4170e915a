import type { LogLevel } from "../../common/log/logger.ts";

/** How a bridge's values are written in the programs' configs; what it leaves out stays out. */
export function seconds(value: number | undefined): string | undefined {
  return value === undefined ? undefined : `${value}s`;
}

export function milliseconds(value: number | undefined): string | undefined {
  return value === undefined ? undefined : `${value}ms`;
}

export function level(value: Capitalize<LogLevel> | undefined): LogLevel | undefined {
  return value?.toLowerCase() as LogLevel | undefined;
}

/** The programs' defaults that must fit into a buffer. A test compares them with the schemas. */
export const programDefaults = {
  fetchChunkSize: 65_536,
  packetSize: 65_536,
  maxPacketSize: 2 ** 20,
  maxRequestBytes: 2 ** 20,
} as const;

/**
 * A size that has to fit into buffers. One that is left out keeps the program's default, unless a
 * small buffer has no room for that: then it is as large as the buffer.
 */
export function fitting(
  given: number | undefined,
  programDefault: number,
  ...rooms: readonly (number | undefined)[]
): number | undefined {
  if (given !== undefined) return given;
  const room = Math.min(...rooms.map((size) => size ?? Number.POSITIVE_INFINITY));
  return room < programDefault ? room : undefined;
}

/** The object without its undefined fields and without the objects that this leaves empty. */
export function compact<T extends object>(value: T): T {
  const fields = Object.entries(value).flatMap(([key, field]: [string, unknown]) => {
    const kept = isPlain(field) ? compact(field) : field;
    const empty = kept === undefined || (isPlain(kept) && Object.keys(kept).length === 0);
    return empty ? [] : [[key, kept] as const];
  });
  return Object.fromEntries(fields) as T;
}

function isPlain(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
