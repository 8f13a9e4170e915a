import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { errorCode } from "../../../common/errors.ts";

interface Options {
  readonly cwd?: string;
  /** Beside the environment of the tests. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a command to its end. @returns its stdout @throws with its stderr when it fails */
export async function run(
  command: string,
  args: readonly string[],
  { cwd, env }: Options = {},
): Promise<string> {
  const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 64 << 20 };
  try {
    return (await promisify(execFile)(command, args, options)).stdout;
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
    const install = "apt-get install buildah runc npm";
    throw new Error(`${command} is not there; install it with: ${install}`, { cause: error });
  }
}
