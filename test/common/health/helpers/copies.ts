import { vi } from "vitest";

const typedArrayPrototype = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array;

/** The memory that bytes are copied into with `set` while `run` runs. */
export function copiesDuring(run: () => void): Uint8Array[] {
  return watchSet(run).map(({ into }) => new Uint8Array(into.buffer));
}

/** The bytes that are copied elsewhere with `set` while `run` runs. */
export function copiedDuring(run: () => void): Uint8Array[] {
  return watchSet(run).map(({ from }) => from);
}

function watchSet(run: () => void): { into: Uint8Array; from: Uint8Array }[] {
  const spy = vi.spyOn(typedArrayPrototype, "set");
  try {
    run();
    return spy.mock.calls.map(([from], index) => ({
      into: spy.mock.contexts[index] as Uint8Array,
      from: from as Uint8Array,
    }));
  } finally {
    spy.mockRestore();
  }
}
