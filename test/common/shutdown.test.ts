import { expect, test } from "vitest";
import { startFixture } from "../helpers/child.ts";
import { eventually } from "../helpers/eventually.ts";

const secret = "kOrrekt-Horse-9";

test.each(["SIGTERM", "SIGINT"] as const)("%s stops it cleanly", async (signal) => {
  await using child = startFixture("program.ts", "runs");
  await child.says("up");
  child.process.kill(signal);
  expect(await child.ended).toEqual({ code: 0, signal: null });
  expect(child.lines().map((line) => [line["message"], line["reason"]])).toEqual([
    ["up", undefined],
    ["stopping", signal],
    ["cleaned up", undefined],
    ["stopped", undefined],
  ]);
});

test.each(["SIGTERM", "SIGINT"] as const)("a second %s ends it at once", async (signal) => {
  await using child = startFixture("program.ts", "stop-never-ends");
  await child.says("up");
  child.process.kill(signal);
  await child.says("stopping");
  child.process.kill(signal);
  expect(await child.ended).toEqual({ code: 1, signal: null });
  expect(child.output()).not.toContain("cleaned up");
});

test("the other signal does not end a stop that is under way", async () => {
  // A launcher may send SIGTERM after the terminal has sent SIGINT to all.
  await using child = startFixture("program.ts", "stop-never-ends");
  await child.says("up");
  child.process.kill("SIGINT");
  await child.says("stopping");
  child.process.kill("SIGTERM");
  child.process.kill("SIGINT");
  expect(await child.ended).toEqual({ code: 1, signal: null });
  expect(child.lines().filter((line) => line["message"] === "stopping").length).toBe(1);
});

test("a signal while it starts stops it when it is up", async () => {
  await using child = startFixture("program.ts", "starts-when-told");
  await child.says("starting");
  child.process.kill("SIGTERM");
  child.process.send("go");
  expect(await child.ended).toEqual({ code: 0, signal: null });
  expect(child.lines().map((line) => line["message"])).toEqual([
    "starting",
    "up",
    "stopping",
    "cleaned up",
    "stopped",
  ]);
});

test("the end of the channel to its launcher stops it", async () => {
  await using child = startFixture("program.ts", "runs");
  await child.says("up");
  child.process.disconnect();
  expect(await child.ended).toEqual({ code: 0, signal: null });
  expect(await child.says("stopping")).toMatchObject({ reason: "launcher gone" });
});

test("a launcher that is killed leaves nothing behind", async () => {
  await using launcher = startFixture("launcher.ts");
  const { pid } = await launcher.says("launched");
  await launcher.says("up");
  launcher.process.kill("SIGKILL");
  await eventually(() => !isAlive(Number(pid)));
});

test("a wrong configuration is told to people and programs, with exit code 2", async () => {
  await using child = startFixture("program.ts", "config-error", secret);
  expect(await child.ended).toEqual({ code: 2, signal: null });
  expect(child.output()).toMatch(/^bridge\.yaml:3: wrong$/m);
  expect(child.lines()).toMatchObject([
    { level: "error", message: "cannot start", error: { code: "ERR_CONFIG" } },
  ]);
});

test.each([
  ["start-fails", "Error"],
  ["throws", "Error"],
  ["throws-text", "[string]"],
  ["throws-with-fields", "SyntaxError"],
  ["rejects", "TypeError"],
  ["rejects-text", "[string]"],
  ["error-event", "Error"],
])(
  "a program that %s ends with code 1 and one line, without the error's text",
  async (mode, type) => {
    await using child = startFixture("program.ts", mode, secret);
    expect(await child.ended).toEqual({ code: 1, signal: null });
    expect(child.output()).not.toContain(secret);
    const [line, ...more] = child.lines().filter(({ level }) => level === "error");
    expect(line).toMatchObject({ message: "stopped by an error" });
    const { error } = line as { error: { type: string } | string };
    expect(typeof error === "string" ? error : error.type).toBe(type);
    expect(more).toEqual([]);
  },
);

test("a stop that fails ends with code 1, without the error's text", async () => {
  await using child = startFixture("program.ts", "stop-fails", secret);
  await child.says("up");
  child.process.kill("SIGTERM");
  expect(await child.ended).toEqual({ code: 1, signal: null });
  expect(child.output()).not.toContain(secret);
  expect(child.lines().at(-1)).toMatchObject({ level: "error", message: "stopped by an error" });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
