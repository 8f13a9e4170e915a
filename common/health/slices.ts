import { setImmediate } from "node:timers/promises";

/** A millisecond or two of any of our tests on one core: far below the 10 ms that others may wait. */
const sliceBytes = 65_536;

/**
 * Hands over all pieces in order, in slices, and lets the event loop turn between any two of them.
 * @throws the signal's reason, between two slices, once it is aborted
 */
export async function inSlices(
  pieces: Iterable<Uint8Array>,
  use: (slice: Uint8Array) => void,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  let room = sliceBytes;
  for (const piece of pieces) {
    for (let at = 0; at < piece.length;) {
      if (room === 0) {
        await setImmediate();
        signal.throwIfAborted();
        room = sliceBytes;
      }
      const slice = piece.subarray(at, at + room);
      use(slice);
      at += slice.length;
      room -= slice.length;
    }
  }
}
