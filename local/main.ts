import { BridgeError, ConfigError } from "../common/errors.ts";
import { callerFolder, isNpmStart, parseFlags, usage } from "./flags.ts";
import { launch } from "./launcher.ts";
import { onParentGone, stopSignals } from "./signals.ts";

/** `npm start`. Exit codes: 0 stopped, 2 flags or a file are wrong, 1 anything else. */
const print = (text: string): void => void process.stdout.write(text);
const { stop, kill, request } = stopSignals(process);
process.stdout.on("error", () => undefined); // a reader that is gone must not keep us from stopping
if (isNpmStart(process.env)) onParentGone(() => process.ppid, request);
try {
  const options = parseFlags(process.argv.slice(2), callerFolder(process.env, process.cwd()));
  if (options === undefined) print(usage);
  else await launch(options, { print, isTerminal: process.stdout.isTTY, stop, kill });
  process.exit(kill.aborted ? 1 : 0);
} catch (error) {
  if (!(error instanceof BridgeError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(error instanceof ConfigError ? 2 : 1);
}
