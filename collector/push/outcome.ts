/**
 * All that a gateway can tell the collector (I4). Whatever else an answer holds is not looked at:
 * headers, body, trailers, 1xx, redirects.
 */
export const outcomes = [
  /** 200: the bytes are in a buffer. */
  "taken",
  /** 409: they were taken before. */
  "seen",
  /** 507: no room; this signature will never be taken. */
  "full",
  /** Another 4xx, or 503. */
  "refused",
  /** No byte of the request was sent. */
  "unreachable",
  /** 3xx. */
  "misdirected",
  /** Everything else: reset, timeout, other 5xx, no HTTP. */
  "unknown",
] as const;

export type Outcome = (typeof outcomes)[number];

/** @param status of a complete answer's head; any number, since the peer may be hostile */
export function outcomeOf(status: number): Outcome {
  switch (status) {
    case 200:
      return "taken";
    case 409:
      return "seen";
    case 507:
      return "full";
    case 503:
      return "refused";
    default:
      if (status >= 300 && status < 400) return "misdirected";
      return status >= 400 && status < 500 ? "refused" : "unknown";
  }
}

/** What becomes of a batch after an attempt to push it. */
export type Step =
  /** Delivered. */
  | "done"
  /** May be signed anew at once, for any instance. */
  | "sign anew"
  /** May be signed anew once nobody can replay this signature any more. */
  | "rest"
  /** The same bytes to the same instance again, as long as its window is open. */
  | "repeat"
  /** Given up. */
  | "lose";

/**
 * The rules of a push. An attempt that ended as unknown may have been taken, so from then on only
 * an answer that settles the signature ends the repeating: I1 before loss.
 * @param unknownBefore whether an earlier attempt with this signature ended as unknown
 * @param peer `v1` gateways know no audience and no seen set: what is unknown is never repeated
 */
export function nextStep(outcome: Outcome, unknownBefore: boolean, peer: "bridge" | "v1"): Step {
  const repeat = peer === "v1" ? "lose" : "repeat";
  switch (outcome) {
    case "taken":
    case "seen":
      return "done";
    case "full":
      return "sign anew";
    case "unreachable":
      return unknownBefore ? repeat : "sign anew";
    case "refused":
    case "misdirected":
      return unknownBefore ? repeat : "rest";
    case "unknown":
      return repeat;
  }
}
