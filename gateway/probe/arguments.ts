import { parseArgs } from "node:util";
import { ConfigError } from "../../common/errors.ts";
import { type Endpoint, parseEndpoint, type Protocol } from "../../common/probe/endpoint.ts";
import { attemptLimit } from "../../common/probe/report.ts";

export interface Listener {
  readonly protocol: Protocol;
  /** 0 for one that the system picks. */
  readonly port: number;
}

export interface ProbeOptions {
  readonly listeners: readonly Listener[];
  readonly attempts: readonly Endpoint[];
  /** How long it runs. */
  readonly seconds: number;
  /** Whether it ends as soon as every attempt has got through once. */
  readonly untilOpen: boolean;
  /** The file that the report goes to. */
  readonly report: string;
}

const usage = `usage: probe --seconds N [--listen PROTOCOL/PORT]... [--attempt PROTOCOL/HOST/PORT]... [--until-open] [--report FILE]
  PROTOCOL tcp or udp; HOST an address, dns or api-server; N 1 … 3600`;

/** @throws ConfigError with the argument that is wrong */
export function parseProbeArguments(args: readonly string[]): ProbeOptions {
  const { listen = [], attempt = [], seconds = "", ...rest } = read(args);
  if (!/^[1-9]\d{0,3}$/.test(seconds) || Number(seconds) > 3600) throw wrong("--seconds");
  if (attempt.length > attemptLimit) throw wrong(`--attempt more than ${attemptLimit} times`);
  return {
    listeners: listen.map((text) => parseListener(text) ?? fail(`--listen ${text}`)),
    attempts: attempt.map((text) => parseEndpoint(text) ?? fail(`--attempt ${text}`)),
    seconds: Number(seconds),
    untilOpen: rest["until-open"] ?? false,
    report: rest.report ?? "/dev/termination-log",
  };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        listen: { type: "string", multiple: true },
        attempt: { type: "string", multiple: true },
        seconds: { type: "string" },
        "until-open": { type: "boolean" },
        report: { type: "string" },
      },
    }).values;
  } catch {
    throw new ConfigError(usage);
  }
}

function parseListener(text: string): Listener | undefined {
  const [, protocol, port = ""] = /^(tcp|udp)\/(0|[1-9]\d{0,4})$/.exec(text) ?? [];
  if (protocol === undefined || Number(port) > 65_535) return undefined;
  return { protocol: protocol === "tcp" ? "TCP" : "UDP", port: Number(port) };
}

function wrong(what: string): ConfigError {
  return new ConfigError(`not understood: ${what}\n${usage}`);
}

function fail(what: string): never {
  throw wrong(what);
}
