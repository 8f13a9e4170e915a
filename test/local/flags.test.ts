import { resolve } from "node:path";
import { expect, test } from "vitest";
import { callerFolder, isNpmStart, parseFlags } from "../../local/flags.ts";

const root = resolve(import.meta.dirname, "../..");

test("without flags: the quickstart on the usual ports", () => {
  expect(parseFlags([], "/anywhere")).toEqual({
    file: `${root}/examples/quickstart.yaml`,
    dir: `${root}/.qrng-bridge`,
    ports: { api: 7764, push: 7765, management: 9464, appliance: undefined },
  });
});

test("every flag; paths start where the caller is", () => {
  const args = ["--file", "my.yaml", "--dir=d", "--port", "1", "--push-port", "0"];
  expect(
    parseFlags([...args, "--management-port", "65535", "--appliance-port=4"], "/home/me"),
  ).toEqual({
    file: "/home/me/my.yaml",
    dir: "/home/me/d",
    ports: { api: 1, push: 0, management: 65_535, appliance: 4 },
  });
});

test.each([["--help"], ["-h"], ["--port", "1", "--help"]])("%s %s %s asks for help", (...args) => {
  expect(parseFlags(args.filter(Boolean), "/")).toBeUndefined();
});

const refused: [string[], string][] = [
  [["--prot", "1"], "--prot: unknown flag; did you mean --port?"],
  [["--pushport=1"], "--pushport: unknown flag; did you mean --push-port?"],
  [["--zzzzzzzz"], "--zzzzzzzz: unknown flag; try --help"],
  [["-x"], "-x: unknown flag; try --help"],
  [["my.yaml"], "only flags are known here; try --help"],
  [["--file"], "--file: needs a value"],
  [["--file="], "--file: needs a value"],
  [["--dir", "--port", "1"], "--dir: needs a value"],
  [["--help=yes"], "--help: takes no value"],
  [["--port", "65536"], "--port: must be a port, 0 to 65535"],
  [["--port", "-1"], "--port: needs a value"],
  [["--push-port", "http"], "--push-port: must be a port, 0 to 65535"],
  [["--management-port", "1.5"], "--management-port: must be a port, 0 to 65535"],
  [["--appliance-port", "0x10"], "--appliance-port: must be a port, 0 to 65535"],
];

test.each(refused)("%j is refused", (args, message) => {
  expect(() => parseFlags(args, "/")).toThrow(message);
});

test("npm tells where the caller was, but only to the script that it starts", () => {
  const env = { npm_lifecycle_event: "start", INIT_CWD: "/home/me" };
  expect(callerFolder(env, "/package")).toBe("/home/me");
  expect(callerFolder({ ...env, npm_lifecycle_event: "test" }, "/cwd")).toBe("/cwd");
  expect(callerFolder({}, "/cwd")).toBe("/cwd");
  expect(isNpmStart({})).toBe(false);
});
