import { constants, type BigIntStats } from "node:fs";
import { open } from "node:fs/promises";
import { errorCode } from "../errors.ts";
import { requireRandomBytes } from "./bytes.ts";
import { FifoReader } from "./fifo.ts";
import { PollingReader, type Reader } from "./reader.ts";
import { SourceError, type Fetch, type SourceErrorCode } from "./source.ts";

export interface DeviceOptions {
  readonly path: string;
  readonly size: number;
  /** Milliseconds for one fetch. */
  readonly timeout: number;
}

/** A character device or a FIFO, which stays open between fetches. */
export interface Device {
  readonly fetch: Fetch;
  close(): void;
}

/**
 * Reads with O_NONBLOCK, and again a little later when nothing is there: neither an open without a
 * writer nor a read without bytes ever holds a thread, so nothing delays a stop. A FIFO waits for
 * its writer; one that goes away inside a chunk has ended, and what came of the chunk is zeroed.
 */
export function openDevice({ path, size, timeout }: DeviceOptions): Device {
  let reader: Reader | undefined;
  const close = (): void => {
    reader?.close();
    reader = undefined;
  };
  const fill = async (bytes: Buffer, signal: AbortSignal): Promise<Filling> => {
    try {
      reader ??= await openForReading(path);
      return await fillFrom(reader, bytes, { end: performance.now() + timeout, signal });
    } catch (error) {
      bytes.fill(0);
      close();
      throw asSourceError(error);
    }
  };
  const fetch: Fetch = async (signal) => {
    const bytes = Buffer.alloc(size);
    const filling = await fill(bytes, signal);
    if (filling === "full") return requireRandomBytes(bytes, size);
    bytes.fill(0);
    // One that is only slow must not lose its reader; any other FIFO may be a new one next time.
    if (filling !== "slow") close();
    throw new SourceError(...problems[filling]);
  };
  return { fetch, close };
}

/** How far a chunk came. */
type Filling = "full" | "slow" | "unwritten" | "ended";

const problems: Readonly<Record<Exclude<Filling, "full">, readonly [SourceErrorCode, string]>> = {
  slow: ["ERR_SOURCE_TIMEOUT", "gives bytes too slowly, or none, though something writes to it"],
  unwritten: ["ERR_SOURCE_TIMEOUT", "gives nothing: nothing writes to it"],
  ended: ["ERR_SOURCE_LENGTH", "ended inside a chunk: its writer went away"],
};

async function openForReading(path: string): Promise<Reader> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const stats = await handle.stat({ bigint: true });
  const problem = kindProblem(stats);
  if (problem === undefined)
    return stats.isFIFO() ? new FifoReader(handle) : new PollingReader(handle);
  await handle.close();
  throw problem;
}

/** Linux's memory devices: /dev/zero, /dev/null, and the system's own generators. */
const memoryMajor = 1n;

/** Why such a file is no source of hardware's bytes, or undefined when it can be one. */
export function kindProblem(
  stats: Pick<BigIntStats, "isFIFO" | "isCharacterDevice" | "rdev">,
): SourceError | undefined {
  if (stats.isFIFO()) return undefined;
  if (!stats.isCharacterDevice()) {
    return new SourceError("ERR_SOURCE_FORMAT", "path is no character device and no FIFO");
  }
  if (process.platform !== "linux" || majorOf(stats.rdev) !== memoryMajor) return undefined;
  return new SourceError(
    "ERR_SOURCE_FORMAT",
    "path is the system's own generator or memory, and no hardware of its own",
  );
}

/** Of a device's number, as glibc's gnu_dev_major has it. */
function majorOf(rdev: bigint): bigint {
  return ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n);
}

/** Until the bytes are all there, `end` (monotonic milliseconds) has come, or `signal` aborts. */
async function fillFrom(
  reader: Reader,
  bytes: Buffer,
  { end, signal }: { end: number; signal: AbortSignal },
): Promise<Filling> {
  let length = 0;
  for (;;) {
    const reading = await reader.read(bytes.subarray(length));
    if (typeof reading === "number") length += reading;
    if (length === bytes.length) return "full";
    if (reading === "ended" && length > 0) return "ended";
    const left = end - performance.now();
    if (signal.aborted || left < 0) return reading === "ended" ? "unwritten" : "slow";
    if (typeof reading !== "number") await reader.untilMore(left, signal);
  }
}

function asSourceError(error: unknown): SourceError {
  if (error instanceof SourceError) return error;
  const code = errorCode(error) ?? "unknown";
  return new SourceError("ERR_SOURCE_UNREACHABLE", `path cannot be read (${code})`, {
    cause: error,
  });
}
