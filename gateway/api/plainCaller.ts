import type { ServerResponse } from "node:http";
import type { ApiKey } from "./keys.ts";
import type { Caller } from "./route.ts";

/** Who asks without a choice of media types. */
export class PlainCaller implements Caller {
  readonly key: ApiKey;
  readonly #response: ServerResponse;
  #left: AbortController | undefined;

  constructor(key: ApiKey, response: ServerResponse) {
    this.key = key;
    this.#response = response;
  }

  accepts(types: readonly string[]): string | undefined {
    return types[0];
  }

  /** Made when it is asked for: few wait. */
  get signal(): AbortSignal {
    if (this.#left === undefined) {
      const left = new AbortController();
      this.#left = left;
      const leave = (): void => {
        if (!this.#response.writableFinished) left.abort();
      };
      if (this.#response.closed) leave();
      else this.#response.once("close", leave);
    }
    return this.#left.signal;
  }
}
