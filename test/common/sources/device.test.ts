import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { constants, existsSync } from "node:fs";
import { open as openFile, rm, writeFile, type FileHandle } from "node:fs/promises";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { kindProblem } from "../../../common/sources/device.ts";
import { eventually } from "../../helpers/eventually.ts";
import { makeFolder, type Folder } from "../../helpers/folder.ts";
import { fetchFrom, openSource, refusalOf, type OpenSource } from "../../helpers/sources.ts";

const size = 4096;
let folder: Folder;
let fifo: string;
beforeEach(async () => {
  folder = await makeFolder();
  fifo = folder.at("fifo");
  await promisify(execFile)("mkfifo", [fifo]);
});
afterEach(() => folder[Symbol.asyncDispose]());

function open(path: string, entry: object = {}): Promise<OpenSource> {
  return openSource({ entry: { type: "File", path, fetch_chunk_size: size, ...entry } });
}

/** To a FIFO that has a reader. */
function openWriter(): Promise<FileHandle> {
  return eventually(() => openFile(fifo, "r+").catch(() => undefined));
}

/** Writes of these sizes in turn, until all is written. */
async function writeInParts(writer: FileHandle, bytes: Buffer, sizes: number[]): Promise<void> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const part = bytes.subarray(at, at + sizes[turn % sizes.length]!);
    at += (await writer.write(part)).bytesWritten;
  }
}

test("gives what is written, in order, without loss between fetches", async () => {
  await using source = await open(fifo);
  const first = fetchFrom(source);
  const writer = await openWriter();
  const bytes = randomBytes(size * 3);
  const written = writer.write(bytes);
  expect(await first).toEqual(bytes.subarray(0, size));
  expect(await fetchFrom(source)).toEqual(bytes.subarray(size, size * 2));
  expect(await fetchFrom(source)).toEqual(bytes.subarray(size * 2));
  await written;
  await writer.close();
});

test("waits for a writer that comes later, and for bytes that come in parts", async () => {
  await using source = await open(fifo, { fetch_timeout: "20s" });
  const fetching = fetchFrom(source);
  const bytes = randomBytes(size);
  const writer = await openWriter();
  for (let at = 0; at < size; at += 1024) {
    await writer.write(bytes, at, 1024);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(await fetching).toEqual(bytes);
  await writer.close();
});

test("a writer that goes away inside a chunk has ended; the next one starts anew", async () => {
  await using source = await open(fifo, { fetch_timeout: "20s" });
  const fetching = refusalOf(fetchFrom(source));
  const reader = await openWriter(); // holds the FIFO open until the writer below is there
  const writer = await openFile(fifo, "w");
  await reader.close();
  await writer.write(randomBytes(100));
  await writer.close();
  expect(await fetching).toMatchObject({
    code: "ERR_SOURCE_LENGTH",
    message: "ended inside a chunk: its writer went away",
    retry: { when: "soon" },
  });
  const next = fetchFrom(source);
  const again = await openWriter();
  const bytes = randomBytes(size);
  await again.write(bytes);
  expect(await next).toEqual(bytes);
  await again.close();
});

test("without a writer its time runs out, and a stop does not wait for that", async () => {
  await using source = await open(fifo, { fetch_timeout: "100ms" });
  expect(await refusalOf(fetchFrom(source))).toMatchObject({
    code: "ERR_SOURCE_TIMEOUT",
    message: "gives nothing: nothing writes to it",
  });
  await using patient = await open(fifo, { fetch_timeout: "10m" });
  const stopping = new AbortController();
  const fetching = patient.fetch(stopping.signal);
  stopping.abort();
  await refusalOf(fetching);
});

test("a writer that is too slow keeps its reader", async () => {
  await using source = await open(fifo, { fetch_timeout: "100ms" });
  const writer = await openWriter();
  const slow = async () => (await refusalOf(fetchFrom(source))).message.includes("too slowly");
  await eventually(slow);
  await writer.close(); // it was a reader as well
  const only = await eventually(() => openFile(fifo, constants.O_WRONLY | constants.O_NONBLOCK));
  const bytes = randomBytes(size);
  await only.write(bytes); // fails where nobody reads
  expect(await fetchFrom(source)).toEqual(bytes);
  await only.close();
});

test("chunks larger than a FIFO come whole, in writes of any size", async () => {
  const large = 200_000; // three times what a FIFO holds
  await using source = await open(fifo, { fetch_chunk_size: large, fetch_timeout: "60s" });
  const first = fetchFrom(source);
  const writer = await openWriter();
  const bytes = randomBytes(3 * large);
  const written = writeInParts(writer, bytes, [1, 70_000, 4_097, 65_536, 999]);
  expect(await first).toEqual(bytes.subarray(0, large));
  expect(await fetchFrom(source)).toEqual(bytes.subarray(large, 2 * large));
  expect(await fetchFrom(source)).toEqual(bytes.subarray(2 * large));
  await written;
  await writer.close();
});

test("writers that follow each other always find a reader, and no byte of theirs is lost", async () => {
  await using source = await open(fifo, { fetch_timeout: "60s" });
  const writers = 20;
  const bytes = randomBytes(writers * size);
  const chunks = (async () => {
    const fetched: Buffer[] = [];
    while (fetched.length < writers) fetched.push(await fetchFrom(source));
    return Buffer.concat(fetched);
  })();
  const openAlone = () => openFile(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
  await eventually(() => openAlone().catch(() => undefined)).then((writer) => writer.close());
  for (let at = 0; at < bytes.length; at += size) {
    const probe = await openAlone(); // fails where nobody reads
    const writer = await openFile(fifo, "w");
    await probe.close();
    await writer.write(bytes, at, size);
    await writer.close();
  }
  expect(await chunks).toEqual(bytes);
});

test("a FIFO that takes the place of another is found", async () => {
  await using source = await open(fifo, { fetch_timeout: "100ms" });
  expect((await refusalOf(fetchFrom(source))).message).toContain("nothing writes to it");
  await rm(fifo);
  await promisify(execFile)("mkfifo", [fifo]);
  const bytes = randomBytes(size);
  const writer = await openWriter();
  await writer.write(bytes);
  expect(await fetchFrom(source)).toEqual(bytes);
  await writer.close();
});

test("a process whose source waits for a writer ends at once when it stops", async () => {
  const script = `
    import { openDevice } from ${JSON.stringify(new URL("../../../common/sources/device.ts", import.meta.url).href)};
    const device = openDevice({ path: ${JSON.stringify(fifo)}, size: 64, timeout: 600000 });
    const stopping = new AbortController();
    const fetching = device.fetch(stopping.signal).catch((error) => console.log(error.code));
    setTimeout(() => stopping.abort(), 50);
    await fetching;
    device.close();`;
  const run = promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], {
    timeout: 20_000,
  });
  expect((await run).stdout).toBe("ERR_SOURCE_TIMEOUT\n");
});

test.each<[string, (folder: Folder) => string | Promise<string>, RegExp]>([
  [
    "a regular file",
    async ({ at }) => {
      await writeFile(at("file"), randomBytes(size * 2));
      return at("file");
    },
    /^path is no character device and no FIFO$/,
  ],
  ["a folder", ({ path }) => path, /^path is no character device and no FIFO$/],
  ["nothing", ({ at }) => at("nothing"), /^path cannot be read \(ENOENT\)$/],
])("%s is refused", async (_, make, message) => {
  await using source = await open(await make(folder));
  expect((await refusalOf(fetchFrom(source))).message).toMatch(message);
});

test.runIf(process.platform === "linux").each(["random", "urandom", "zero", "null"])(
  "/dev/%s is no hardware",
  async (name) => {
    await using source = await open(`/dev/${name}`);
    expect((await refusalOf(fetchFrom(source))).message).toContain("no hardware of its own");
  },
);

test.runIf(existsSync("/dev/ptmx"))(
  "a character device that gives nothing is waited for without holding a thread",
  async () => {
    await using source = await open("/dev/ptmx", { fetch_timeout: "100ms" });
    const { code } = await refusalOf(fetchFrom(source));
    expect(["ERR_SOURCE_TIMEOUT", "ERR_SOURCE_UNREACHABLE"]).toContain(code);
  },
);

test("kinds of files", () => {
  const kind = (what: "fifo" | "character" | "other", rdev = 0n) =>
    kindProblem({
      isFIFO: () => what === "fifo",
      isCharacterDevice: () => what === "character",
      rdev,
    });
  expect(kind("fifo")).toBeUndefined();
  expect(kind("character", (10n << 8n) | 183n)).toBeUndefined(); // /dev/hwrng
  expect(kind("other")?.code).toBe("ERR_SOURCE_FORMAT");
});

test("text and constants that are written to it are refused", async () => {
  await using source = await open(fifo, { fetch_chunk_size: 64 });
  const fetching = refusalOf(fetchFrom(source));
  const writer = await openWriter();
  await writer.write("a line of text\n".repeat(5).slice(0, 64));
  expect((await fetching).code).toBe("ERR_SOURCE_FORMAT");
  const next = refusalOf(fetchFrom(source));
  await writer.write(Buffer.alloc(64));
  expect((await next).code).toBe("ERR_SOURCE_REPEATED");
  await writer.close();
});
