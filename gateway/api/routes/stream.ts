import { z } from "zod";
import { sleep } from "../../../common/wait.ts";
import type { Draw } from "../../buffer.ts";
import { begun } from "../../begun.ts";
import { Problem } from "../../problem.ts";
import { wholeNumber, type Caller, type Route } from "../route.ts";
import { waitField, type DrawDeps } from "./fields.ts";

const maxStreamBytes = 2 ** 40;
const pieceBytes = 65_536;

const createQuery = ({ maxWait }: DrawDeps) =>
  z.strictObject({
    bytes: wholeNumber({ min: 1, max: maxStreamBytes }).describe("random bytes in all"),
    wait: waitField(maxWait).describe("seconds to wait for fresh bytes, each time there are none"),
  });

type StreamQuery = z.output<ReturnType<typeof createQuery>>;

/**
 * A bulk download, a piece at a time: a piece is drawn and charged only when the one before it has
 * left, so a client that reads slowly holds one piece and no more. When no fresh bytes come within
 * `wait` the answer is cut, which content-length lets the client see.
 */
export function streamRoute(deps: DrawDeps): Route<StreamQuery> {
  return {
    path: "/api/stream",
    methods: ["GET"],
    summary:
      "Many random bytes, as they come in. An answer that ends early was cut for want of them.",
    query: createQuery(deps),
    gives: { "application/octet-stream": z.string().meta({ format: "binary" }) },
    answer: async (query, caller) => {
      // Drawn before the head is written: a stream that cannot start is a 503 or 429.
      const stream = await begun(drawPieces(query, caller, deps));
      const headers = {
        "content-type": "application/octet-stream",
        "content-length": query.bytes,
      };
      return { status: 200, headers, stream, body: [], release: () => undefined };
    },
  };
}

async function* drawPieces(query: StreamQuery, { key, signal }: Caller, { dispenser }: DrawDeps) {
  const size = Math.min(pieceBytes, dispenser.maxRequestBytes);
  for (let left = query.bytes; left > 0;) {
    // What is there, and where nothing is, the first byte that comes.
    const bytes = Math.min(size, left, Math.max(1, dispenser.available()));
    yield await drawPatiently(() => dispenser.draw({ key, wait: query.wait, signal }, bytes), {
      wait: query.wait,
      signal,
    });
    left -= bytes;
  }
}

/** Draws; a limit of bytes that is reached is waited for as fresh bytes are. */
async function drawPatiently(
  draw: () => Promise<Draw>,
  { wait, signal }: { wait: number; signal: AbortSignal },
): Promise<Draw> {
  for (let waited = 0; ;) {
    try {
      return await draw();
    } catch (error) {
      const pause =
        error instanceof Problem && error.status === 429 ? 1_000 : Number.POSITIVE_INFINITY;
      if (waited + pause > wait || signal.aborted) throw error;
      waited += pause;
      await sleep(pause, signal);
    }
  }
}
