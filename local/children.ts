import { open, rm } from "node:fs/promises";
import { type Child, lastWords, type Program, spawnChild } from "./child.ts";
import { LaunchError } from "./errors.ts";

/** The processes of one launch: none outlives it. */
export class Children implements AsyncDisposable {
  readonly #children: Child[] = [];
  readonly #failed = Promise.withResolvers<never>();
  #closed = false;

  constructor() {
    this.#failed.promise.catch(() => undefined); // told to those who watch, if any
  }

  /**
   * Starts a program and waits until it listens.
   * @returns the addresses of its listeners, in their order
   * @throws LaunchError when it ends, or when all are stopped meanwhile
   */
  async start(program: Program, listeners: readonly string[]): Promise<string[]> {
    await rm(program.logFile, { force: true });
    await using log = await open(program.logFile, "ax", 0o600);
    if (this.#closed) throw new LaunchError("stopped while starting");
    const child = spawnChild(program, log.fd);
    this.#children.push(child);
    const failure = child.ended.then((how) => describeEnd(program, how));
    void failure.then((error) => this.#failed.reject(error));
    const addresses: string[] = [];
    for (const listener of listeners) {
      const address = await child.address(listener);
      if (address === undefined) throw await failure;
      addresses.push(address);
    }
    return addresses;
  }

  /** Resolves with `work`, or rejects as soon as a child has ended. */
  async watch(work: Promise<void>): Promise<void> {
    await Promise.race([work, this.#failed.promise]);
  }

  /** Ends all at once. */
  kill(): void {
    this.#closed = true;
    for (const child of this.#children) child.kill();
  }

  /** Stops all, the latest first: each has those that it sends to until it is gone itself. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const child of this.#children.toReversed()) await child.stop();
  }
}

async function describeEnd({ name, logFile }: Program, how: string): Promise<LaunchError> {
  const words = await lastWords(logFile);
  return new LaunchError(
    `${name} ended ${how}${words === undefined ? "" : `: ${words}`}\nits log: ${logFile}`,
  );
}
