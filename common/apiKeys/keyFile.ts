import { listProblems } from "../config/issues.ts";
import { nearest } from "../config/suggest.ts";
import { ConfigError } from "../errors.ts";
import { keyEntry, keyOptions, type KeyEntry } from "./keyEntry.ts";

const optionNames = Object.keys(keyOptions);

/** A name, a key, and options, with where they stand. */
export interface KeyLine {
  readonly words: readonly string[];
  /** For errors: names the line, and not what it holds. */
  readonly place: string;
}

/**
 * A line each: `key`, or `name key` and options such as `daily_bytes=1GiB`; `#` starts a comment
 * line.
 * @throws ConfigError naming the line and what is expected, never what stands there: any word of a
 * broken line may be a piece of a key
 */
export function parseKeyFile(text: string): KeyEntry[] {
  return splitKeyFile(text, "API keys").map(parseKeyLine);
}

/** Its lines without comments, a name in front of each. */
export function splitKeyFile(text: string, file: string): KeyLine[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    const words = line.trim().split(/\s+/);
    if (words[0] === "" || words[0]?.startsWith("#") === true) return [];
    const named = words.length === 1 ? [`key-${index + 1}`, ...words] : words;
    return [{ words: named, place: `${file}: line ${index + 1}` }];
  });
}

/** @throws ConfigError naming the place and what is expected */
export function parseKeyLine({ words, place }: KeyLine): KeyEntry {
  const refuse = (problem: string): never => {
    throw new ConfigError(`${place}: ${problem}`);
  };
  const [name = "", key = "", ...rest] = words;
  // `requests_per_second=10` is as long as a key, and easy to guess.
  const mistaken = /^([a-z_]+)=/.exec(key)?.[1];
  if (mistaken !== undefined && nearest(mistaken, optionNames) !== undefined) {
    refuse("options go behind a name and a key");
  }
  const options: Record<string, unknown> = {};
  for (const word of rest) {
    const [, option, value = ""] = /^([^=]*)=(.*)$/.exec(word) ?? [];
    if (option === undefined) return refuse("must be a key, or a name, a key, and options");
    if (!optionNames.includes(option)) return refuse(unknownOption(option));
    if (option in options) refuse(`${option}: written twice`);
    options[option] = /^\d{1,15}$/.test(value) ? Number(value) : value;
  }
  const parsed = keyEntry.safeParse({ name, key, ...options });
  if (parsed.success) return { ...parsed.data, name };
  const { path, message } = listProblems(parsed.error)[0]!;
  return refuse(`${String(path[0])}: ${message}`);
}

function unknownOption(typed: string): string {
  const meant = nearest(typed, optionNames);
  const hint =
    meant === undefined ? `known are ${optionNames.join(", ")}` : `did you mean ${meant}?`;
  return `unknown option; ${hint}`;
}
