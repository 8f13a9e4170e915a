import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Answer } from "./answer.ts";
import type { Caller } from "./route.ts";

/** A path with a protocol of its own: it reads bodies, charges and counts itself. */
export interface Endpoint {
  readonly path: string;
  readonly methods: readonly string[];
  /**
   * Refuses whom no key would help.
   * @throws Problem
   */
  readonly guard: (headers: IncomingHttpHeaders) => void;
  /**
   * @param count for each request that the exchange holds; one without any is counted itself
   * @throws Problem
   */
  readonly answer: (
    request: IncomingMessage,
    caller: Caller,
    count: CountRequest,
  ) => Promise<Answer>;
}

/** @param status that the request would have had alone */
export type CountRequest = (status: number, seconds: number) => void;
