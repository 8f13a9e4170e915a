import { createHash } from "node:crypto";

/** Milliseconds to the next try after a check that was not passed, or where pods stand elsewhere. */
const sooner = 600_000;

interface Ended {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly isPassed: boolean;
  /** Seconds. */
  readonly interval: number;
  readonly uid: string;
}

/**
 * When the check after one that has ended is due: at points of time that are an interval apart and
 * lie differently for each bridge, so that those of many are spread, or sooner to see what somebody
 * has put right.
 * @returns milliseconds since 1970; at most an interval after the end
 */
export function nextTime({ at, isPassed, interval, uid }: Ended): number {
  const length = interval * 1_000;
  if (!isPassed) return at + Math.min(sooner, length);
  const phase = Math.floor(fractionOf(uid) * interval) * 1_000; // a status knows whole seconds
  return phase + (Math.floor((at - phase) / length) + 1) * length;
}

/** Of 0 … 1, the same for the same text. */
function fractionOf(uid: string): number {
  return createHash("sha256").update(uid).digest().readUInt32BE() / 2 ** 32;
}

/** When pods that stand on other nodes than were checked are looked at. */
export function afterMove(at: number, interval: number): number {
  return at + Math.min(sooner, interval * 1_000);
}

/** Equal for what is equal as JSON; 16 hexadecimal digits. */
export function shortHash(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);
}
