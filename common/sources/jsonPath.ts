/** A way into a JSON value: keys of objects and positions in lists. */
export type JsonPath = readonly (string | number)[];

const wholePath = /^(?:[A-Za-z_][\w-]*|\[\d{1,4}\])(?:\.[A-Za-z_][\w-]*|\[\d{1,4}\])*$/;
const longest = 16;

/**
 * `data.random[0]` → `["data", "random", 0]`: keys of letters, digits, `_` and `-`, parted by dots,
 * and positions from 0 in brackets; 1 to 16 steps, 256 characters.
 * @returns undefined when it is no such path
 */
export function parseJsonPath(text: string): JsonPath | undefined {
  if (text.length > 256 || !wholePath.test(text)) return undefined;
  const steps = [...text.matchAll(/\[(\d+)\]|[\w-]+/g)].map(([step, position]) =>
    position === undefined ? step : Number(position),
  );
  return steps.length <= longest ? steps : undefined;
}

/** What stands there in the value, or undefined. */
export function valueAt(value: unknown, path: JsonPath): unknown {
  return path.reduce<unknown>((inner, step) => {
    if (typeof step === "number") return Array.isArray(inner) ? inner[step] : undefined;
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return undefined;
    return Object.hasOwn(inner, step) ? (inner as Record<string, unknown>)[step] : undefined;
  }, value);
}
