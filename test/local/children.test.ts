import { readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import type { Program } from "../../local/child.ts";
import { Children } from "../../local/children.ts";
import { type Folder, makeFolder } from "../helpers/folder.ts";
import { processesOf } from "./helpers/processes.ts";

async function program(folder: Folder, source: string): Promise<Program> {
  const script = folder.at("program.mjs");
  await writeFile(script, source);
  return { name: "tester", script, args: ["one"], logFile: folder.at("tester.log") };
}

const listens = (more = ""): string => `
  setInterval(() => {}, 1000);
  ${more}
  process.send({ listener: "b", address: "127.0.0.1:2" });
  process.send({ nonsense: true });
  process.send({ listener: "a", address: "127.0.0.1:1" });
`;

test("addresses come in the order they are asked for; output goes to the log", async () => {
  await using folder = await makeFolder();
  await writeFile(folder.at("tester.log"), "of an earlier run");
  {
    await using children = new Children();
    const source = listens("console.log(process.argv[2]); console.error('two');");
    const addresses = await children.start(await program(folder, source), ["a", "b"]);
    expect(addresses).toEqual(["127.0.0.1:1", "127.0.0.1:2"]);
  }
  expect(await readFile(folder.at("tester.log"), "utf8")).toBe("one\ntwo\n");
  expect(await processesOf(folder.path)).toEqual([]);
});

const deaths: [string, string, RegExp][] = [
  [
    "with its own words",
    `console.log('{"a":"b"}'); console.error("port: is wrong"); process.exit(2)`,
    /^tester ended with code 2: port: is wrong\nits log: /,
  ],
  ["silently", `console.log('{"a":"b"}'); process.exit(1)`, /^tester ended with code 1\nits log: /],
  ["by a bug", `throw new TypeError("oops")`, /^tester ended with code 1: TypeError: oops\n/],
  ["by a signal", `process.kill(process.pid, "SIGKILL")`, /^tester ended by SIGKILL\n/],
];

test.each(deaths)("one that dies %s before it listens", async (_, source, problem) => {
  await using folder = await makeFolder();
  await using children = new Children();
  const started = children.start(await program(folder, source), ["a"]);
  await expect(started).rejects.toThrow(problem);
});

test("one that dies later is told to those who watch", async () => {
  await using folder = await makeFolder();
  await using children = new Children();
  const source = listens("setTimeout(() => process.exit(3), 200);");
  await children.start(await program(folder, source), ["a"]);
  await expect(children.watch(new Promise(() => undefined))).rejects.toThrow("ended with code 3");
});

test("one that does not heed SIGTERM is killed after a while", async () => {
  await using folder = await makeFolder();
  {
    await using children = new Children();
    await children.start(await program(folder, listens("process.on('SIGTERM', () => {});")), ["a"]);
  }
  expect(await processesOf(folder.path)).toEqual([]);
});

test("nothing starts once all have been stopped", async () => {
  await using folder = await makeFolder();
  const children = new Children();
  await children[Symbol.asyncDispose]();
  const started = children.start(await program(folder, listens()), ["a"]);
  await expect(started).rejects.toThrow("stopped while starting");
  expect(await processesOf(folder.path)).toEqual([]);
});
