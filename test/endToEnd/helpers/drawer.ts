import { setTimeout as delay } from "node:timers/promises";
import { blockBytes } from "./blockCipher.ts";
import { exchange } from "./exchange.ts";

/** A block that a client has got. */
export interface Drawn {
  readonly block: number;
  /** Which life of the gateway served it. */
  readonly life: number;
}

export interface DrawerOptions {
  readonly url: string;
  readonly apiKey: string;
  readonly numbersOf: (data: Uint8Array) => number[];
  /** Which life of the gateway listens now. */
  readonly life: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

const maxBlocks = 256;
const longestPause = 15;

/** A client that draws all the time: sizes and pauses at random, whole blocks, binary. */
export class Drawer {
  readonly drawn: Drawn[] = [];
  /** Statuses other than 200 and 503; none in a healthy run. */
  readonly oddStatuses: number[] = [];
  readonly #options: DrawerOptions;
  #stopping = false;
  readonly #done: Promise<void>;

  constructor(options: DrawerOptions) {
    this.#options = options;
    this.#done = this.#run();
  }

  /** Resolves when the draw under way has ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#done;
  }

  /** Draws until there is not a single block. */
  async drain(): Promise<void> {
    await this.stop();
    while ((await this.#draw(maxBlocks)) === 200);
    while ((await this.#draw(1)) === 200);
  }

  async #run(): Promise<void> {
    const { random } = this.#options;
    while (!this.#stopping) {
      await this.#draw(1 + Math.floor(random() * maxBlocks));
      await delay(random() * longestPause);
    }
  }

  async #draw(blocks: number): Promise<number | undefined> {
    const { url, apiKey, numbersOf, life: currentLife } = this.#options;
    const life = currentLife();
    const { status, body } = await exchange({
      url: `${url}/api/random?bytes=${blocks * blockBytes}&encoding=binary`,
      headers: { "x-api-key": apiKey },
    });
    // Also what came of an answer that was cut: a client may have used it.
    if (status === 200) for (const block of numbersOf(body)) this.drawn.push({ block, life });
    else if (status !== undefined && status !== 503) this.oddStatuses.push(status);
    return status;
  }
}
