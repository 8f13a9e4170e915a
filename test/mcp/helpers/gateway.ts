import { randomBytes } from "node:crypto";
import type { GatewayConfigInput } from "../../../gateway/config.ts";
import { fill, startTestGateway, type TestGateway } from "../../gateway/helpers/gateway.ts";

export interface FilledGateway extends AsyncDisposable {
  readonly gateway: TestGateway;
  /** What was pushed into it, in the order in which it is served. */
  readonly data: Buffer;
}

/** A gateway whose buffer holds so many bytes. */
export async function startFilled(
  bytes: number,
  config: GatewayConfigInput = {},
): Promise<FilledGateway> {
  // Fresh at once: packets are never signed ahead of this process's own clock.
  const push = { window: { future: 0 }, ...config.push };
  const gateway = await startTestGateway({ ...config, push });
  const data = randomBytes(bytes);
  if (bytes > 0) await fill(gateway, data);
  return { gateway, data, [Symbol.asyncDispose]: () => gateway.stop() };
}
