import { SourceError, type Fetch } from "./source.ts";
import { atLeast } from "./statuses.ts";

/** A fetch that, when it fails, is not repeated before `pause` milliseconds are over. */
export function paced(pause: number, fetch: Fetch): Fetch {
  return async (signal) => {
    try {
      return await fetch(signal);
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      const { code, message, retry } = error;
      throw new SourceError(code, message, { cause: error.cause, retry: atLeast(retry, pause) });
    }
  };
}
