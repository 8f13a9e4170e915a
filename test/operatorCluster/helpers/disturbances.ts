import type { Passing } from "./proxy.ts";

/** Says yes to every fourth write that has not come before, so to a part of all steps of a reconcile. */
export function everyFourthWrite(): (request: Passing) => boolean {
  const seen = new Set<string>();
  return ({ isWrite, method, path }) => {
    const write = `${method} ${path}`;
    if (!isWrite || seen.has(write)) return false;
    seen.add(write);
    return seen.size % 4 === 1;
  };
}

/** Does something once, when the n-th write comes. */
export function atWrite(n: number, act: () => unknown): (request: Passing) => boolean {
  let left = n;
  return ({ isWrite }) => {
    if (!isWrite || --left !== 0) return false;
    act();
    return true;
  };
}
