import { request } from "node:http";
import { z } from "zod";
import type { Address } from "../../common/config/fields.ts";

/** What a gateway says on its management port, of which the operator has a use. */
const State = z.object({
  key_ids: z.array(z.string().max(64)).max(64),
  last_data_received: z.iso.datetime({ offset: true }).nullable(),
  // Of gateways that are older than this operator there is none.
  clock_skew_seconds: z.int().nullable().default(null),
  buffer_bytes_available: z.number().nonnegative(),
});

export type GatewayState = Readonly<z.output<typeof State>>;

const timeout = 2_000;
const sizeLimit = 64 * 1024;

/**
 * Asks a gateway for /state: 2 s for all of it, 64 KiB at most, on a connection of its own; only 200
 * counts, and no redirect is followed, since a pod's address may be somebody else's by now.
 * @returns undefined where there is no such answer; never throws
 */
export function readGateway(
  { host, port }: Address,
  signal: AbortSignal,
): Promise<GatewayState | undefined> {
  const { promise, resolve } = Promise.withResolvers<GatewayState | undefined>();
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
  const options = { host, port, path: "/state", agent: false, signal: limit };
  const sent = request(options, (answer) => {
    if (answer.statusCode !== 200) return void sent.destroy(new Error("no state"));
    const pieces: Buffer[] = [];
    let size = 0;
    answer.on("data", (piece: Buffer) => {
      size += piece.length;
      if (size > sizeLimit) sent.destroy(new Error("too long"));
      else pieces.push(piece);
    });
    answer.on("end", () => resolve(parseState(Buffer.concat(pieces).toString())));
    answer.on("error", () => resolve(undefined));
  });
  sent.on("error", () => resolve(undefined)).end();
  return promise;
}

function parseState(text: string): GatewayState | undefined {
  try {
    return State.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // not JSON
  }
}
