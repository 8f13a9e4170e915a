import type { ServerResponse } from "node:http";

/** An answer that does not depend on how it is served: by Koa, or straight by node:http. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: readonly (string | Buffer)[];
  /** Called once, when the body has left or cannot leave any more. */
  readonly release: () => void;
}

/** Random bytes belong in nobody's cache. */
export const noStore = { "cache-control": "no-store" } as const;

/** Writes the answer; Buffers are handed to the socket as they are, without a copy. */
export function sendAnswer(response: ServerResponse, answer: Answer): void {
  const { status, headers, body, release } = answer;
  response.once("close", release);
  response.writeHead(status, headers);
  response.cork();
  for (const piece of body) {
    if (typeof piece === "string") response.write(piece, "latin1");
    else response.write(piece);
  }
  response.end();
  response.uncork();
}
