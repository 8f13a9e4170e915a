import { constants, type BigIntStats } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { errorCode } from "../errors.ts";
import { sleep } from "../wait.ts";
import { requireRandomBytes } from "./bytes.ts";
import { SourceError, type Fetch } from "./source.ts";

/** Milliseconds between looks whether there is something to read: epoll knows not every device. */
const pollInterval = 5;

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
  let handle: FileHandle | undefined;
  const close = (): void => {
    void handle?.close().catch(() => undefined);
    handle = undefined;
  };
  const fetch: Fetch = async (signal) => {
    const bytes = Buffer.alloc(size);
    try {
      handle ??= await openForReading(path);
      await fill(handle, bytes, AbortSignal.any([signal, AbortSignal.timeout(timeout)]));
    } catch (error) {
      bytes.fill(0);
      close();
      throw asSourceError(error);
    }
    return requireRandomBytes(bytes, size);
  };
  return { fetch, close };
}

async function openForReading(path: string): Promise<FileHandle> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const problem = kindProblem(await handle.stat({ bigint: true }));
  if (problem === undefined) return handle;
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

/** Until the bytes are all there. @throws SourceError when `signal` aborts first, or it ends */
async function fill(handle: FileHandle, bytes: Buffer, signal: AbortSignal): Promise<void> {
  let length = 0;
  while (length < bytes.length) {
    if (signal.aborted) {
      const what = length === 0 ? "gives nothing; does something write to it?" : "is too slow";
      throw new SourceError("ERR_SOURCE_TIMEOUT", what);
    }
    const count = await readNow(handle, bytes.subarray(length));
    if (count === "ended" && length > 0) {
      throw new SourceError("ERR_SOURCE_LENGTH", "ended inside a chunk: its writer went away");
    }
    if (typeof count === "number") length += count;
    else await sleep(pollInterval, signal);
  }
}

/** @returns bytes read; `ended` without a writer, `empty` when it has nothing yet */
async function readNow(handle: FileHandle, room: Buffer): Promise<number | "ended" | "empty"> {
  try {
    const { bytesRead } = await handle.read(room, 0, room.length, null);
    return bytesRead === 0 ? "ended" : bytesRead;
  } catch (error) {
    if (errorCode(error) === "EAGAIN") return "empty";
    throw error;
  }
}

function asSourceError(error: unknown): SourceError {
  if (error instanceof SourceError) return error;
  const code = errorCode(error) ?? "unknown";
  return new SourceError("ERR_SOURCE_UNREACHABLE", `path cannot be read (${code})`, {
    cause: error,
  });
}
