import type { IncomingHttpHeaders } from "node:http";

/** On every answer: random bytes belong in no cache, no frame, and no other origin's page. */
export function standingHeaders(conditioning: string): Readonly<Record<string, string>> {
  return {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-qrng-conditioning": conditioning,
  };
}

export type Headers = Readonly<Record<string, string | number>>;

/**
 * A list of names and values in turn, which Node writes faster than an object.
 * @param parts that share no name
 */
export function headOf(...parts: readonly Headers[]): (string | number)[] {
  const head: (string | number)[] = [];
  for (const headers of parts) {
    for (const name in headers) head.push(name, headers[name]!);
  }
  return head;
}

/**
 * What lets a page of a listed origin read the answer; nothing for any other.
 * @param origins as browsers send them, such as https://app.example
 */
export function corsHeaders(
  { origin }: IncomingHttpHeaders,
  origins: readonly string[],
): Readonly<Record<string, string>> {
  if (origins.length === 0) return {};
  if (origin === undefined || !origins.includes(origin)) return { vary: "origin" };
  return {
    vary: "origin",
    "access-control-allow-origin": origin,
    "access-control-expose-headers":
      "retry-after, ratelimit, ratelimit-policy, x-qrng-conditioning",
    "cross-origin-resource-policy": "cross-origin",
  };
}

/** The answer to OPTIONS, which is also a browser's question before it sends a key. */
export function optionsHeaders(
  request: IncomingHttpHeaders,
  methods: readonly string[],
  origins: readonly string[],
): Readonly<Record<string, string>> {
  const cors = corsHeaders(request, origins);
  const allow = [...methods, "OPTIONS"].join(", ");
  if (cors["access-control-allow-origin"] === undefined) return { ...cors, allow };
  return {
    ...cors,
    allow,
    "access-control-allow-methods": allow,
    "access-control-allow-headers":
      "authorization, x-api-key, content-type, mcp-protocol-version, mcp-method, mcp-name",
    "access-control-max-age": "600",
  };
}
