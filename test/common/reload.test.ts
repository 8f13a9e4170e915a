import { mkdir, open, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ConfigError } from "../../common/errors.ts";
import { fixed, reloaded, type Reloaded } from "../../common/reload.ts";
import { readPublicFile } from "../../common/secretFiles.ts";
import { captureLog, type CapturedLog } from "../helpers/capturedLog.ts";
import { eventually } from "../helpers/eventually.ts";
import { makeFolder, type Folder } from "../helpers/folder.ts";

let folder: Folder;
let captured: CapturedLog;
let loads: number;
let changes: string[];
let value: Reloaded<string> | undefined;

beforeEach(async () => {
  folder = await makeFolder();
  captured = captureLog();
  loads = 0;
  changes = [];
});

afterEach(async () => {
  value?.stop();
  await folder[Symbol.asyncDispose]();
});

/** A text file that is good as long as it does not say `bad`. */
async function watch(file: string): Promise<Reloaded<string>> {
  value = await reloaded({
    what: "text",
    files: [file],
    load: async () => {
      loads += 1;
      const text = await readPublicFile(file);
      if (text.startsWith("bad")) throw new ConfigError("text: bad");
      return text;
    },
    onChange: (text) => changes.push(text),
    log: captured.log,
    interval: 10,
  });
  return value;
}

/** Replaces a file at one moment; writing to it could be seen half done. */
async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

const becomes = (text: string): Promise<unknown> => eventually(() => value?.current() === text);

/** Until the file was looked at again a few times, by changing another one that shares the clock. */
async function severalLooks(): Promise<void> {
  let looks = 0;
  const other = await reloaded({
    what: "other",
    files: [folder.at("other")],
    load: () => Promise.resolve(looks++),
    log: captureLog("silent").log,
    interval: 10,
  });
  for (let round = 1; round <= 5; round++) {
    const before = looks;
    await replace(folder.at("other"), `${round}`);
    await eventually(() => looks > before);
  }
  other.stop();
}

test("a file that is rewritten in place is loaded again", async () => {
  await writeFile(folder.at("file"), "one");
  const text = await watch(folder.at("file"));
  expect(text.current()).toBe("one");
  await using handle = await open(folder.at("file"), "r+");
  await handle.write("two two"); // no `writeFile`: that one empties the file first
  await becomes("two two");
  expect(changes).toEqual(["two two"]);
  expect(captured.messages()).toEqual(["reloaded"]);
});

test("so is one with the same size, the same name and an old date", async () => {
  await writeFile(folder.at("file"), "one");
  await utimes(folder.at("file"), 1, 1);
  await watch(folder.at("file"));
  await writeFile(folder.at("file.new"), "two");
  await utimes(folder.at("file.new"), 1, 1);
  await rename(folder.at("file.new"), folder.at("file"));
  await becomes("two");
});

test("so is one behind the ..data link that Kubernetes swaps", async () => {
  const publish = async (name: string, text: string): Promise<void> => {
    await mkdir(folder.at(name));
    await writeFile(folder.at(name, "file"), text);
    await symlink(name, folder.at("..data_tmp"));
    await rename(folder.at("..data_tmp"), folder.at("..data"));
  };
  await publish("..1", "one");
  await symlink("..data/file", folder.at("file"));
  await watch(folder.at("file"));
  await publish("..2", "two");
  await rm(folder.at("..1"), { recursive: true });
  await becomes("two");
  await publish("..3", "three");
  await becomes("three");
});

test("a bad content keeps the one before, is logged once, and a good one ends it", async () => {
  await writeFile(folder.at("file"), "one");
  const text = await watch(folder.at("file"));
  await replace(folder.at("file"), "bad content");
  await eventually(() => captured.lines().length > 0);
  await severalLooks();
  expect(text.current()).toBe("one");
  expect(loads).toBe(2);
  expect(captured.lines()).toMatchObject([
    {
      level: "error",
      message: "not reloaded; the one before stays in use",
      what: "text",
      files: [folder.at("file")],
      error: { code: "ERR_CONFIG", message: "text: bad" },
    },
  ]);
  await replace(folder.at("file"), "two");
  await becomes("two");
  expect(changes).toEqual(["two"]);
});

test("a file that is deleted keeps its value, and is loaded when it comes back", async () => {
  await writeFile(folder.at("file"), "one");
  const text = await watch(folder.at("file"));
  await rm(folder.at("file"));
  await eventually(() => captured.lines().length > 0);
  await severalLooks();
  expect(text.current()).toBe("one");
  expect(captured.messages()).toEqual(["not reloaded; the one before stays in use"]);
  await writeFile(folder.at("file"), "two");
  await becomes("two");
});

test("a change of either of two files loads both", async () => {
  const files = [folder.at("a"), folder.at("b")];
  await Promise.all(files.map((file) => writeFile(file, "1")));
  const both = await reloaded({
    what: "both",
    files,
    load: async () => (await Promise.all(files.map(readPublicFile))).join(),
    log: captured.log,
    interval: 10,
  });
  value = both;
  await replace(folder.at("b"), "22");
  await becomes("1,22");
  await replace(folder.at("a"), "333");
  await becomes("333,22");
});

test("nothing is loaded again without a change, or after stop", async () => {
  await writeFile(folder.at("file"), "one");
  const text = await watch(folder.at("file"));
  await severalLooks();
  expect(loads).toBe(1);
  text.stop();
  await writeFile(folder.at("file"), "two two");
  await severalLooks();
  expect(loads).toBe(1);
  expect(text.current()).toBe("one");
});

test("a value whose loading ends after stop changes nothing", async () => {
  await writeFile(folder.at("file"), "one");
  const { promise, resolve } = Promise.withResolvers<string>();
  let calls = 0;
  const text = await reloaded({
    what: "text",
    files: [folder.at("file")],
    load: () => (calls++ === 0 ? Promise.resolve("one") : promise),
    onChange: (late) => changes.push(late),
    log: captured.log,
    interval: 10,
  });
  await writeFile(folder.at("file"), "two two");
  await eventually(() => calls === 2);
  text.stop();
  resolve("two two");
  await severalLooks();
  expect(text.current()).toBe("one");
  expect(changes).toEqual([]);
});

test("the first load's error is thrown", async () => {
  await expect(watch(folder.at("missing"))).rejects.toThrow(ConfigError);
});

test("a fixed value stays", () => {
  const text = fixed("one");
  text.stop();
  expect(text.current()).toBe("one");
});
