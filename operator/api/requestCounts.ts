import { Counter, type Registry } from "prom-client";
import type { Method } from "./resources.ts";

/** Requests by outcome, as plain numbers that are handed over at scrape. */
export class RequestCounts {
  readonly #counts = new Map<Method, Map<string, number>>();

  /** @param code HTTP's status, or `<error>` where no answer came */
  add(code: string, method: Method): void {
    const codes = this.#counts.get(method) ?? new Map<string, number>();
    this.#counts.set(method, codes.set(code, (codes.get(code) ?? 0) + 1));
  }

  total(method?: Method): number {
    return this.entries()
      .filter((entry) => method === undefined || entry.method === method)
      .reduce((sum, { count }) => sum + count, 0);
  }

  entries(): { readonly method: Method; readonly code: string; readonly count: number }[] {
    return [...this.#counts].flatMap(([method, codes]) =>
      [...codes].map(([code, count]) => ({ method, code, count })),
    );
  }
}

/** `rest_client_requests_total`, as client-go names it. */
export function exposeRequests(registry: Registry, counts: RequestCounts, host: string): void {
  new Counter({
    name: "rest_client_requests_total",
    help: "Requests to the API server, by status code, method and host.",
    labelNames: ["code", "method", "host"],
    registers: [registry],
    collect() {
      this.reset();
      for (const { code, method, count } of counts.entries()) {
        this.inc({ code, method, host }, count);
      }
    },
  });
}
