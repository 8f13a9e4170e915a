import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

/** Its path. */
export const healthScript = fileURLToPath(
  new URL(
    "../../examples/argocd/resource_customizations/qrngbridge.io/QrngBridge/health.lua",
    import.meta.url,
  ),
);

/** What Argo CD makes of an object. */
export interface Health {
  readonly status: string;
  readonly message: string;
}

/**
 * Runs the health script in a real Lua 5.1, the language of the one in Argo CD, with what Argo CD
 * gives a script: the object as `obj` and the basic functions, without the standard library.
 * @throws with Lua's own words when the script fails, or with how to install Lua
 */
export async function healthOf(object: object): Promise<Health> {
  const source = await readFile(healthScript, "utf8");
  const program = `
local basic = { ipairs = ipairs, pairs = pairs, tostring = tostring, type = type }
basic.obj = ${luaLiteral(object)}
local health = setfenv(assert(loadstring(${luaLiteral(source)})), basic)()
io.write(health.status, "\\n", health.message)
`;
  const lua = spawn("lua5.1", ["-"], { stdio: "pipe" });
  const missing = new Promise<never>((_, reject) => {
    lua.once("error", (cause) => {
      reject(new Error("lua5.1 is not there: apt-get install lua5.1", { cause }));
    });
  });
  lua.stdin.on("error", () => undefined).end(program);
  const [output, errors] = await Promise.race([
    Promise.all([text(lua.stdout), text(lua.stderr)]),
    missing,
  ]);
  if (errors !== "") throw new Error(errors);
  const end = output.indexOf("\n");
  return { status: output.slice(0, end), message: output.slice(end + 1) };
}

/** A JSON value as a Lua expression. */
function luaLiteral(value: unknown): string {
  if (value === null || value === undefined) return "nil";
  if (typeof value === "string") return luaString(value);
  if (typeof value !== "object") return JSON.stringify(value);
  const entries = Array.isArray(value)
    ? value.map(luaLiteral)
    : Object.entries(value).map(([key, inner]) => `[${luaString(key)}] = ${luaLiteral(inner)}`);
  return `{ ${entries.join(", ")} }`;
}

/** Every byte by its number: Lua 5.1 escapes otherwise than JSON. */
function luaString(value: string): string {
  const bytes = [...Buffer.from(value)].map((byte) => `\\${String(byte).padStart(3, "0")}`);
  return `"${bytes.join("")}"`;
}
