import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { eventually } from "../../helpers/eventually.ts";

/** The printed text's value in the row of this name. */
export function row(text: string, name: string): string {
  const line = text.split("\n").find((each) => each.startsWith(`  ${name} `));
  if (line === undefined) throw new Error(`no row ${name} in:\n${text}`);
  return line.slice(14);
}

export function isComplete(text: string): boolean {
  return /^ {2}stop .*Ctrl-C\n/m.test(text);
}

/** Pastes the printed curl line into a shell that is elsewhere, until there are bytes; as hex. */
export async function drawBytes(text: string): Promise<string> {
  const drawn = await eventually(() => pasteCurl(row(text, "try")).catch(() => undefined));
  if (/^[0-9a-f]{64}$/.test(drawn)) return drawn;
  throw new Error("not 32 bytes in hex");
}

/** What the API answers to this path, asked as the printed curl line does. */
export async function askApi(text: string, path: string): Promise<unknown> {
  return JSON.parse(await pasteCurl(row(text, "try").replace("/api/random?bytes=32", path)));
}

async function pasteCurl(line: string): Promise<string> {
  const script = line.replace(/^curl /, "curl -sS --fail ");
  const { stdout } = await promisify(execFile)("sh", ["-c", script], { cwd: "/" });
  return stdout;
}
