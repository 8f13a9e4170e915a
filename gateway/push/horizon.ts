import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { millisecondsToNanoseconds } from "../../common/clock.ts";
import { ConfigError, errorCode } from "../../common/errors.ts";

/** How far ahead of the packet at hand a write reaches: one write a second at a steady flow. */
export const reachMilliseconds = 1_000;
const reachNanoseconds = millisecondsToNanoseconds(reachMilliseconds);

/**
 * How far signing times have gone, kept in a file. The seen set dies with the process, and the
 * window's floor is taken from the clock; were the clock set back across a restart, an old packet
 * could look fresh again. So before a packet is judged its stamp is covered: the file says that
 * packets up to there may have been taken, and the next process starts its floor from that.
 */
export class Horizon {
  /** What an earlier process had covered, nanoseconds. */
  readonly inherited: bigint;
  readonly #file: string | undefined;
  #covered: bigint;
  #writing: Promise<void> | undefined;

  private constructor(file: string | undefined, inherited: bigint) {
    this.#file = file;
    this.inherited = inherited;
    this.#covered = inherited;
  }

  /** @throws ConfigError when the file is there but cannot be read */
  static async load(file: string | undefined): Promise<Horizon> {
    if (file === undefined) return new Horizon(undefined, 0n);
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    return new Horizon(file, await read(file));
  }

  /** Resolves when the file covers `stamp`; at once when it does already. */
  async cover(stamp: bigint): Promise<void> {
    while (this.#file !== undefined && stamp > this.#covered) {
      this.#writing ??= this.#write(this.#file, stamp + reachNanoseconds).finally(() => {
        this.#writing = undefined;
      });
      await this.#writing;
    }
  }

  async #write(file: string, covered: bigint): Promise<void> {
    const next = `${file}.new`;
    await using handle = await open(next, "w", 0o600);
    await handle.writeFile(`${covered}\n`);
    await handle.datasync();
    await rename(next, file);
    this.#covered = covered;
  }
}

async function read(file: string): Promise<bigint> {
  let text: string;
  try {
    text = (await readFile(file, "utf8")).trim();
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return 0n;
    throw new ConfigError(
      `push.state_file: ${file} cannot be read (${errorCode(cause) ?? "unknown"})`,
    );
  }
  if (/^\d{1,19}$/.test(text)) return BigInt(text);
  throw new ConfigError(
    `push.state_file: ${file} holds no time; delete it if no clock was set back`,
  );
}
