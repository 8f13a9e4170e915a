import { createServer } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { type Address, formatAddress } from "../common/config/fields.ts";
import { errorCode } from "../common/errors.ts";
import { close, listen } from "../common/server.ts";
import { LaunchError } from "./errors.ts";

/** An address that is going to be listened on, and the flag that changes its port. */
export interface WantedPort extends Address {
  readonly flag: string;
}

const retryMilliseconds = 100;

/**
 * Resolves when all can be listened on; port 0 always can.
 * @param patience milliseconds for which a taken port is tried again: what held it may be ending
 * @throws LaunchError naming the flag
 */
export async function checkPorts(wanted: readonly WantedPort[], patience: number): Promise<void> {
  const fixed = wanted.filter(({ port }) => port !== 0);
  for (const [index, { port, flag }] of fixed.entries()) {
    const other = fixed.slice(0, index).find((earlier) => earlier.port === port);
    if (other === undefined) continue;
    const flags = other.flag === flag ? `twice by ${flag}` : `by both ${other.flag} and ${flag}`;
    throw new LaunchError(`port ${port} is asked for ${flags}`);
  }
  const deadline = performance.now() + patience;
  for (const address of fixed) {
    while (!(await isFree(address))) {
      if (performance.now() > deadline) throw portTaken(address);
      await delay(retryMilliseconds);
    }
  }
}

/** The same error for a child that found its port taken after all, from its own words. */
export function portTakenIn(words: string, wanted: readonly WantedPort[]): LaunchError | undefined {
  const address = wanted.find((each) => words.includes(`${formatAddress(each)} is taken`));
  return address && portTaken(address);
}

function portTaken({ port, flag }: WantedPort): LaunchError {
  return new LaunchError(
    `port ${port} is taken: stop what listens there or choose another with ${flag}`,
  );
}

async function isFree({ host, port, flag }: WantedPort): Promise<boolean> {
  const server = createServer();
  try {
    await listen(server, { host, port }, flag);
    return true;
  } catch (error) {
    if (error instanceof Error && errorCode(error.cause) === "EADDRINUSE") return false;
    throw error;
  } finally {
    await close(server, AbortSignal.abort());
  }
}
