import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { apiKey } from "../gateway/helpers/gateway.ts";
import { eventually } from "../helpers/eventually.ts";
import { makeFolder } from "../helpers/folder.ts";
import { call, connectStdio, mcpProgram, problem } from "./helpers/clients.ts";
import { startFilled } from "./helpers/gateway.ts";

/** Where nobody listens, as nobody may without privileges. */
const nowhere = "http://127.0.0.1:2";
const withKey = { QRNG_BRIDGE_API_KEY: apiKey };

const initialize = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: {
    protocolVersion: "2025-11-25",
    capabilities: {},
    clientInfo: { name: "test", version: "1" },
  },
};

/** A real process of the program, ended with the test. */
function start(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [mcpProgram, ...args], { env, stdio: "pipe" });
  const written = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => (written[name] += text));
  }
  const ended = once(child, "close").then(([code]) => ({ code: code as unknown, ...written }));
  return {
    child,
    written,
    ended,
    send: (message: unknown) => child.stdin.write(`${JSON.stringify(message)}\n`),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

describe("the command line", () => {
  test("--help says what it takes", async () => {
    await using program = start(["--help"]);
    const { code, stdout, stderr } = await program.ended;
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("--key-file FILE");
  });

  test.each<[string, string[], Record<string, string>?]>([
    ["needs --url or QRNG_BRIDGE_URL", []],
    ["needs --key-file, QRNG_BRIDGE_API_KEY_FILE or QRNG_BRIDGE_API_KEY", ["--url", nowhere]],
    ["usage:", ["--adress", nowhere]],
    ["usage:", ["extra"]],
    ["--url: must be an http or https URL", ["--url", "ftp://x"], withKey],
    ["--url: must not hold a user name", ["--url", "http://me:long-secret@x"], withKey],
    ["must be one API key", ["--url", nowhere], { QRNG_BRIDGE_API_KEY: "long-secret" }],
    ["/no/such: cannot be read (ENOENT)", ["--url", nowhere, "--key-file", "/no/such"]],
  ])("is refused on stderr: %s", async (message, args, env) => {
    await using program = start(args, env);
    const { code, stdout, stderr } = await program.ended;
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain("long-secret");
  });

  test("a key file must be private; it and the URL may come from the environment", async () => {
    await using made = await startFilled(100);
    await using folder = await makeFolder();
    const file = folder.at("key");
    await writeFile(file, `${apiKey}\n`);
    await chmod(file, 0o644);
    const env = { QRNG_BRIDGE_URL: made.gateway.api, QRNG_BRIDGE_API_KEY_FILE: file };
    await using refused = start([], env);
    expect(await refused.ended).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("readable by everybody"),
    });
    await chmod(file, 0o600);
    await using client = await connectStdio("2026-07-28", { env });
    expect(await call(client, "get_status")).toMatchObject({ buffer_bytes_available: 100 });
  });
});

describe("the gateway", () => {
  test("that is not there is a problem of each call, and not the end", async () => {
    await using client = await connectStdio("2025-11-25", {
      env: { QRNG_BRIDGE_URL: nowhere, ...withKey },
    });
    for (const name of ["get_random_bytes", "get_status"]) {
      expect(await problem(client, name)).toEqual({
        status: 502,
        code: "ERR_GATEWAY_UNREACHABLE",
        detail: "the gateway cannot be reached (ECONNREFUSED)",
      });
    }
  });

  test("that does not know the key says so", async () => {
    await using made = await startFilled(100);
    await using client = await connectStdio("2026-07-28", {
      env: { QRNG_BRIDGE_URL: made.gateway.api, QRNG_BRIDGE_API_KEY: "x".repeat(40) },
    });
    expect(await problem(client, "get_random_uuid")).toMatchObject({
      status: 401,
      code: "ERR_KEY_UNKNOWN",
    });
  });
});

describe("the end", () => {
  const args = ["--url", nowhere];

  test("comes with stdin's, cleanly, and stdout has carried the protocol only", async () => {
    await using program = start(args, withKey);
    program.child.stdin.write("this is no JSON\n");
    program.send(initialize);
    await eventually(() => program.written.stdout.endsWith("\n"));
    program.child.stdin.end();
    const { code, stdout, stderr } = await program.ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ id: 1, result: { protocolVersion: "2025-11-25" } });
    expect(stderr).not.toContain("this is no JSON");
  });

  test.each(["SIGTERM", "SIGINT"] as const)("comes with %s", async (signal) => {
    await using program = start(args, withKey);
    program.send(initialize);
    await eventually(() => program.written.stdout.endsWith("\n"));
    program.child.kill(signal);
    expect(await program.ended).toMatchObject({ code: 0, stderr: "" });
  });

  test("comes when a message is too long to be one", async () => {
    await using program = start(args, withKey);
    program.child.stdin.on("error", () => undefined);
    program.child.stdin.write("x".repeat(2 ** 21));
    expect(await program.ended).toMatchObject({ code: 0, stdout: "" });
  });
});
