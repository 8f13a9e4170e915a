const durations: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const sizes: Record<string, number> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** `100ms`, `1s`, `5m`, `1h`, `7d`, or an integer of milliseconds → milliseconds, or undefined. */
export function parseDuration(value: unknown): number | undefined {
  return parseQuantity(value, /^(\d{1,15})(ms|s|m|h|d)$/, durations);
}

/** `8KiB`, `1MiB`, `1GiB`, `512B`, or an integer of bytes → bytes, or undefined. */
export function parseSize(value: unknown): number | undefined {
  return parseQuantity(value, /^(\d{1,15})(B|KiB|MiB|GiB)$/, sizes);
}

export function formatDuration(milliseconds: number): string {
  return formatQuantity(milliseconds, durations);
}

export function formatSize(bytes: number): string {
  return formatQuantity(bytes, sizes);
}

function parseQuantity(
  value: unknown,
  pattern: RegExp,
  units: Record<string, number>,
): number | undefined {
  if (typeof value === "number")
    return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  const match = typeof value === "string" ? pattern.exec(value) : null;
  if (match === null) return undefined;
  const quantity = Number(match[1]) * (units[match[2] ?? ""] ?? Number.NaN);
  return Number.isSafeInteger(quantity) ? quantity : undefined;
}

/** In the largest unit that divides it; 0 in the smallest. */
function formatQuantity(value: number, units: Record<string, number>): string {
  const dividing = Object.entries(units).filter(([, size]) => value % size === 0);
  const [unit, factor] = (value === 0 ? dividing[0] : dividing.at(-1)) ?? ["", 1];
  return `${value / factor}${unit}`;
}
