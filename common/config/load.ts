import { readFile, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import {
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  parseDocument,
  visit,
  type Document,
} from "yaml";
import type { z } from "zod";
import { ConfigError, errorCode } from "../errors.ts";
import { explain } from "./explain.ts";
import { type Environment, fillPodAddress, namesPodAddress } from "./podAddress.ts";
import { formatPath, listProblems, showKey } from "./issues.ts";

const maxConfigBytes = 2 ** 20;
const maxProblems = 20;
// `uniqueKeys` compares every key with every other; `toPlain` refuses the second of two. Under
// `logLevel: "silent"` a second document is no error.
const yamlOptions = { prettyErrors: false, logLevel: "error", uniqueKeys: false } as const;

/**
 * A config file → a value that its schema has accepted.
 * @param env what `${POD_IP}` in a `listen_address` is taken from
 * @throws ConfigError with a line for each problem: file, line, key, what is expected. Values are
 * never quoted: a config may hold secrets.
 */
export async function loadConfig<Schema extends z.ZodType>(
  schema: Schema,
  path: string,
  env: Environment = {},
): Promise<z.output<Schema>> {
  return parseConfig(schema, await readConfigFile(path), path, env);
}

/** As loadConfig, from the text; `path` is for messages and for the folder of relative paths. */
export function parseConfig<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
  path: string,
  env: Environment = {},
): z.output<Schema> {
  const lines = new LineCounter();
  const document = parseYaml(path, () =>
    parseDocument(text, { ...yamlOptions, lineCounter: lines }),
  );
  const value = checkDocument(schema, { document, lines, path }, env);
  return resolvePaths(value, dirname(resolve(path))) as z.output<Schema>;
}

/** One document of a YAML file, with what it takes to say where in the file a problem is. */
export interface YamlDocument {
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
  readonly path: string;
}

/** A file of several documents, as `kubectl apply -f` takes it; empty ones are left out. */
export function parseDocuments(text: string, path: string): YamlDocument[] {
  const lines = new LineCounter();
  const documents = parseYaml(path, () =>
    parseAllDocuments(text, { ...yamlOptions, lineCounter: lines }),
  );
  return documents
    .filter(({ contents, errors }) => !isEmpty(contents) || errors.length > 0)
    .map((document) => ({ document, lines, path }));
}

function isEmpty(contents: unknown): boolean {
  return contents === null || (isScalar(contents) && contents.value === null);
}

/** What the schema makes of a document. @throws ConfigError as loadConfig */
export function checkDocument<Schema extends z.ZodType>(
  schema: Schema,
  { document, lines, path }: YamlDocument,
  env: Environment = {},
): z.output<Schema> {
  const broken = document.errors[0];
  if (broken !== undefined) {
    // The library's own text quotes the file; its code does not.
    throw new ConfigError(
      `${path}:${lines.linePos(broken.pos[0]).line}: not YAML (${broken.code})`,
    );
  }
  const value = toPlain(document, lines, path, env);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = listProblems(parsed.error).slice(0, maxProblems);
  const shown = problems.map((problem) => {
    const line = lineOf(document, lines, problem.path);
    return `${path}:${line}: ${formatPath(problem.path)}${explain(problem, schema, value)}`;
  });
  throw new ConfigError(shown.join("\n"));
}

/** @throws ConfigError when it cannot be read or is too large to be a config */
export async function readConfigFile(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > maxConfigBytes) throw new ConfigError(`${path}: larger than 1MiB, so not a config`);
    return await readFile(path, "utf8");
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError(`${path}: cannot be read (${errorCode(cause) ?? "unknown"})`, { cause });
  }
}

function parseYaml<T>(path: string, parse: () => T): T {
  try {
    return parse();
  } catch {
    throw new ConfigError(`${path}: not YAML (nested too deep)`); // the parser ran out of stack
  }
}

/** Only what JSON could say as well, and no key twice: a config needs no more. */
function toPlain(document: Document, lines: LineCounter, path: string, env: Environment): unknown {
  const refuse = (node: unknown, problem: string): never => {
    const offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
    throw new ConfigError(`${path}:${lines.linePos(offset).line}: ${problem}`);
  };
  visit(document, {
    Alias: (_, alias) => refuse(alias, "aliases are not allowed"), // they can be made to explode
    Map: (_, { items }) => {
      const seen = new Set<string>();
      for (const { key } of items) {
        if (!isScalar(key)) return refuse(key, "keys that are no text are not allowed");
        const text = String(key.value);
        if (seen.has(text)) refuse(key, `${showKey(text)}: written twice`);
        seen.add(text);
      }
    },
    Pair: (_, { key, value }) => {
      if (!isScalar(key) || key.value !== "listen_address" || !isScalar(value)) return;
      if (typeof value.value !== "string" || !namesPodAddress(value.value)) return;
      const problem = "listen_address: the environment variable POD_IP holds no IP address";
      value.value = fillPodAddress(value.value, env) ?? refuse(value, problem);
    },
  });
  try {
    return document.toJS();
  } catch {
    throw new ConfigError(`${path}: not YAML`); // a tag of an old version that does not fit
  }
}

/** The line of the deepest part of the path that the file has. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range?.[0] ?? 0;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(
        ({ key }) => isScalar(key) && String(key.value) === String(step),
      );
      if (!isScalar(pair?.key)) break;
      offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      if (
        typeof node === "object" &&
        node !== null &&
        "range" in node &&
        Array.isArray(node.range)
      ) {
        offset = Number(node.range[0]);
      }
    } else break;
  }
  return lines.linePos(offset).line;
}

/** Every `…_file` field, made absolute from the config's own folder. */
function resolvePaths(value: unknown, folder: string): unknown {
  if (Array.isArray(value)) return value.map((item) => resolvePaths(item, folder));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [
      key,
      key.endsWith("_file") && typeof field === "string"
        ? resolve(folder, field)
        : resolvePaths(field, folder),
    ]),
  );
}
