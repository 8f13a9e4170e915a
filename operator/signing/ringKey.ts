import type { randomBytes } from "node:crypto";

/** A key as a ring file has it. */
export interface NewKey {
  readonly id: string;
  /** 32 bytes as hex. */
  readonly key: string;
}

/** A key that nobody else has; its id says nothing of it, and is never another key's. */
export function makeRingKey(random: typeof randomBytes): NewKey {
  return { id: makeKeyId(random), key: random(32).toString("hex") };
}

export function makeKeyId(random: typeof randomBytes): string {
  return random(8).toString("hex");
}
