import type { Waiting } from "./advance.ts";
import type { Book } from "./book.ts";
import { dueAt } from "./choose.ts";
import type { KeySource } from "./source.ts";

/** Why a ring is as it is, in CamelCase for conditions. */
export const ringReasons = [
  "Current",
  "Publishing",
  "WaitingForGateways",
  "Overlapping",
  "SourceUnusable",
] as const;

/** A ring for status; ids are no secrets. */
export interface RingStatus {
  readonly signingKeyId: string;
  readonly nextKeyId: string | undefined;
  /** Keys that no longer sign and are still accepted. */
  readonly leftKeyIds: readonly string[];
  readonly reason: (typeof ringReasons)[number];
  /** The same for people, with what to do where a user has to. */
  readonly message: string;
  /** When the next key is due, RFC 3339; undefined where none is planned. */
  readonly nextRotation: string | undefined;
}

const namedInstances = 3;

export interface RingFacts {
  readonly waitsFor: Waiting | undefined;
  readonly needsRoom: boolean;
  readonly problem: string | undefined;
}

export function describeRing(
  book: Book,
  source: KeySource,
  { waitsFor, needsRoom, problem }: RingFacts,
): RingStatus {
  const left = book.keys.filter((key) => key.left !== undefined && key.id !== book.next);
  const ids = {
    signingKeyId: book.signing,
    nextKeyId: book.next,
    leftKeyIds: left.map(({ id }) => id),
    nextRotation: nextRotation(book, source),
  };
  if (problem !== undefined) return { ...ids, reason: "SourceUnusable", message: problem };
  if (waitsFor !== undefined) {
    const reason = waitsFor.for === "gateways" ? "WaitingForGateways" : "Publishing";
    return { ...ids, reason, message: `key ${book.next} ${describeWait(waitsFor)}` };
  }
  if (left.length > 0) {
    const accepted = `key ${book.signing} signs; still accepted: ${ids.leftKeyIds.join(", ")}`;
    const message = needsRoom ? `${accepted}; a new key waits until one of them ends` : accepted;
    return { ...ids, reason: "Overlapping", message };
  }
  return { ...ids, reason: "Current", message: `key ${book.signing} signs` };
}

function describeWait(waiting: Waiting): string {
  switch (waiting.for) {
    case "propagation":
      return "waits signing.propagationSeconds for every program to read it";
    case "clocks":
      return "is known to all gateways and signs as soon as clocks cannot matter";
    case "gateways":
      return waiting.instances.length === 0
        ? "waits for a gateway to run"
        : `waits until all gateways report it; missing: ${list(waiting.instances)}`;
  }
}

function list(names: readonly string[]): string {
  const more = names.length - namedInstances;
  const shown = names.slice(0, namedInstances).join(", ");
  return more > 0 ? `${shown} and ${more} more` : shown;
}

function nextRotation(book: Book, source: KeySource): string | undefined {
  if (source.from !== "operator" || source.rotationSeconds === undefined) return undefined;
  if (book.next !== undefined) return undefined;
  return new Date(dueAt(book, source.rotationSeconds)).toISOString();
}
