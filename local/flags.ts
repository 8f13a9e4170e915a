import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { nearest } from "../common/config/suggest.ts";
import { ConfigError } from "../common/errors.ts";

const root = join(import.meta.dirname, "..");

export interface Options {
  /** The bridge's file. */
  readonly file: string;
  /** Where keys, certificates, configs and logs go. */
  readonly dir: string;
  readonly ports: Ports;
}

/** 0 lets the system pick. */
export interface Ports {
  readonly api: number;
  readonly push: number;
  readonly management: number;
  /** Of the first simulated appliance, in place of its URL's; the next ones count up. */
  readonly appliance: number | undefined;
}

const flags = {
  file: { type: "string" },
  dir: { type: "string" },
  port: { type: "string" },
  "push-port": { type: "string" },
  "management-port": { type: "string" },
  "appliance-port": { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

export const usage = `Runs a QrngBridge on this machine, all listeners on loopback.

usage: npm start -- [flags]

  --file FILE           the bridge, and the ConfigMaps and Secrets that it refers to, as YAML
                        (examples/quickstart.yaml)
  --dir DIR             where keys, certificates, configs and logs go (.qrng-bridge)
  --port N              of the API (7764)
  --push-port N         where the collector pushes to (7765)
  --management-port N   of the gateway's /metrics, /healthz, /readyz (9464)
  --appliance-port N    of the simulated appliance, when the bridge has one (from its URL)
  --help                this text

A port of 0 takes any free one; what was taken is printed.
`;

/**
 * @param args what follows `--`
 * @param folder what relative paths start from
 * @returns undefined when help is asked for
 * @throws ConfigError naming the flag
 */
export function parseFlags(args: readonly string[], folder: string): Options | undefined {
  const { values, tokens } = parseArgs({
    args: [...args],
    options: flags,
    strict: false, // its own errors neither suggest a flag nor are short
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind === "option") checkFlag(token);
    else throw new ConfigError("only flags are known here; try --help");
  }
  if (values.help === true) return undefined;
  const text = (name: keyof typeof flags): string | undefined => {
    const value = values[name];
    return typeof value === "string" ? value : undefined;
  };
  const port = (name: keyof typeof flags, fallback: number): number =>
    parsePort(name, text(name)) ?? fallback;
  return {
    file: resolve(folder, text("file") ?? join(root, "examples", "quickstart.yaml")),
    dir: resolve(folder, text("dir") ?? join(root, ".qrng-bridge")),
    ports: {
      api: port("port", 7764),
      push: port("push-port", 7765),
      management: port("management-port", 9464),
      appliance: parsePort("appliance-port", text("appliance-port")),
    },
  };
}

/** Where the user was: npm moves to the package's folder before it runs a script. */
export function callerFolder(env: NodeJS.ProcessEnv, cwd: string): string {
  return isNpmStart(env) ? (env["INIT_CWD"] ?? cwd) : cwd;
}

export function isNpmStart(env: NodeJS.ProcessEnv): boolean {
  return env["npm_lifecycle_event"] === "start";
}

interface FlagToken {
  readonly name: string;
  /** As it was typed. */
  readonly rawName: string;
  readonly value: string | undefined;
  /** Whether the value came behind `=`. */
  readonly inlineValue: boolean | undefined;
}

function checkFlag({ name, rawName, value = "", inlineValue }: FlagToken): void {
  if (!Object.hasOwn(flags, name)) {
    const suggestion = nearest(name, Object.keys(flags));
    const advice = suggestion === undefined ? "; try --help" : `; did you mean --${suggestion}?`;
    throw new ConfigError(`${rawName}: unknown flag${advice}`);
  }
  if (flags[name as keyof typeof flags].type === "boolean") {
    if (value !== "") throw new ConfigError(`${rawName}: takes no value`);
    return;
  }
  const isNextFlag = inlineValue === false && value.startsWith("-");
  if (value === "" || isNextFlag) throw new ConfigError(`${rawName}: needs a value`);
}

function parsePort(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new ConfigError(`--${name}: must be a port, 0 to 65535`);
}
