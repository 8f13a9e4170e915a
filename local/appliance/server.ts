import type { RequestListener } from "node:http";
import { createServer } from "node:https";
import { announce } from "../../common/announce.ts";
import type { Address } from "../../common/config/fields.ts";
import type { Logger } from "../../common/log/logger.ts";
import { close, listen, serverLimits } from "../../common/server.ts";
import type { Running } from "../../common/shutdown.ts";
import { answers } from "./answers.ts";

export interface ApplianceOptions {
  readonly address: Address;
  /** PEM. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
  readonly log: Logger;
}

export interface ApplianceServer extends Running {
  readonly address: Address;
}

const prefix = "/api/2.0/";

/** A stand-in for a Quantis Appliance, over HTTPS. Its bytes are the system's, not a quantum's. */
export async function startAppliance(options: ApplianceOptions): Promise<ApplianceServer> {
  const { certificate, key, log } = options;
  const server = createServer(
    { ...serverLimits, cert: certificate, key, minVersion: "TLSv1.2", keepAliveTimeout: 60_000 },
    answer,
  );
  server.maxConnections = 64;
  const address = await listen(server, options.address, "--listen");
  log.warn({ simulated: true }, "this is a simulated appliance: not random hardware");
  announce(log, "appliance", address);
  return { address, stop: () => close(server, AbortSignal.abort()) };
}

const answer: RequestListener = (request, response) => {
  const reply = (status: number, type: string, body: Buffer | string): void => {
    response.writeHead(status, {
      "content-type": type,
      "content-length": Buffer.byteLength(body),
      "cache-control": "no-store",
    });
    response.end(body, () => {
      if (typeof body !== "string") body.fill(0);
    });
  };
  if (request.method !== "GET") {
    response.setHeader("allow", "GET");
    return reply(405, "text/plain", "only GET\n");
  }
  const [path = "", query] = (request.url ?? "").split("?", 2);
  const found = path.startsWith(prefix) ? answers.get(path.slice(prefix.length)) : undefined;
  if (found === undefined) {
    return reply(404, "text/plain", `known here: ${prefix}{${[...answers.keys()].join(",")}}\n`);
  }
  const result = found(new URLSearchParams(query));
  if ("refused" in result) return reply(400, "text/plain", `${result.refused}\n`);
  return reply(200, result.type, result.body);
};
