import { lengthUrl, parseAnuAnswer } from "./anu.ts";
import type { SourceClient } from "./client.ts";
import { jsonLimit } from "./jsonBody.ts";
import type { Fetch } from "./source.ts";
import { requireOk } from "./statuses.ts";

/**
 * ANU Quantum Numbers: `GET …?length=1..1024&type=uint8` with `x-api-key`. A 403 is a wrong key or a
 * plan without requests left, a 429 a rate; both are asked again after a minute.
 */
export function fetchAqn(client: SourceClient, url: string, size: number): Fetch {
  const asked = lengthUrl(url, size);
  return async (signal) => {
    const answer = await client.get({
      url: asked,
      limit: () => jsonLimit(size),
      authorize: (credential) => ({ "x-api-key": credential }),
      signal,
    });
    requireOk(answer);
    return parseAnuAnswer(answer, size);
  };
}
