import { randomBytes } from "node:crypto";
import type { GatewayConfigInput } from "../../../gateway/config.ts";
import { eventually } from "../../helpers/eventually.ts";
import {
  fill,
  startTestGateway,
  withKey,
  type TestGateway,
} from "../../gateway/helpers/gateway.ts";

export const sharedLine = "limits are shared through Redis";
export const aloneLine = "Redis does not answer; limits are per process until it does";

/** A gateway with bytes in it. */
export async function startReplica(config: GatewayConfigInput): Promise<TestGateway> {
  const gateway = await startTestGateway({ ...config, push: { window: { future: 0 } } });
  await fill(gateway, randomBytes(500_000));
  return gateway;
}

/** What a gateway said of Redis so far. */
export function saidOfRedis({ captured }: TestGateway): unknown[] {
  return captured.messages().filter((message) => message === sharedLine || message === aloneLine);
}

/** Waits until a gateway has said so much of Redis, and no more. */
export async function says(gateway: TestGateway, ...lines: string[]): Promise<void> {
  await eventually(() => saidOfRedis(gateway).length >= lines.length);
  const said = saidOfRedis(gateway);
  if (said.join() !== lines.join()) throw new Error(`said: ${said.join("; ")}`);
}

/** Draws at a time and gives the statuses. */
export async function drawMany(
  gateway: TestGateway,
  count: number,
  { bytes = 1, headers = withKey }: { bytes?: number; headers?: Record<string, string> } = {},
): Promise<number[]> {
  const draws = Array.from({ length: count }, async () => {
    const response = await fetch(`${gateway.api}/api/random?bytes=${bytes}`, { headers });
    await response.arrayBuffer();
    return response.status;
  });
  return Promise.all(draws);
}

export function count(statuses: readonly number[], wanted = 200): number {
  return statuses.filter((status) => status === wanted).length;
}
