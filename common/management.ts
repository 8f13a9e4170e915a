import { createServer } from "node:http";
import type { Registry } from "prom-client";
import { announce } from "./announce.ts";
import type { Address } from "./config/fields.ts";
import type { Logger } from "./log/logger.ts";
import { close, listen, serverLimits } from "./server.ts";
import type { Running } from "./shutdown.ts";

export interface ManagementOptions {
  readonly address: Address;
  readonly registry: Registry;
  /** More metrics in the text format, which are counted outside the registry. */
  readonly moreMetrics?: () => string;
  /** Undefined when ready, else what is being waited for. */
  readonly notReady: () => string | undefined;
  /** What somebody should look at though it is ready; undefined when nothing. */
  readonly remark?: () => string | undefined;
  /** What /state tells an operator, as JSON; without it there is no such path. */
  readonly state?: () => object;
  readonly log: Logger;
}

export interface Management extends Running {
  readonly address: Address;
}

/** The listener for machines that look after the program: /metrics, /healthz, /readyz. */
export async function startManagement(options: ManagementOptions): Promise<Management> {
  const { registry, moreMetrics = () => "", notReady, state, log } = options;
  const remark = options.remark ?? (() => undefined);
  const paths = ["/metrics", "/healthz", "/readyz", ...(state === undefined ? [] : ["/state"])];
  const server = createServer({ ...serverLimits, keepAliveTimeout: 5_000 }, (request, response) => {
    const reply = (status: number, body: string, type = "text/plain; charset=utf-8"): void => {
      response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(body);
    };
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      return reply(405, "only GET\n");
    }
    switch (request.url) {
      case "/metrics":
        registry.metrics().then(
          (text) => reply(200, text + moreMetrics(), registry.contentType),
          (error: unknown) => {
            log.error({ error }, "metrics could not be collected");
            reply(500, "metrics could not be collected\n");
          },
        );
        return;
      case "/healthz":
        return reply(200, "ok\n");
      case "/readyz": {
        const reason = notReady();
        if (reason !== undefined) return reply(503, `${reason}\n`);
        return reply(200, `${["ready", remark()].filter(Boolean).join(", ")}\n`);
      }
      case "/state":
        if (state !== undefined) return reply(200, JSON.stringify(state()), "application/json");
        break;
      default:
    }
    return reply(404, `known here: ${paths.join(", ")}\n`);
  });
  server.maxConnections = 64;
  const address = await listen(server, options.address, "management_address");
  announce(log, "management", address);
  return { address, stop: () => close(server, AbortSignal.abort()) };
}
