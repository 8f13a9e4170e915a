import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

interface Import {
  readonly file: string;
  /** Relative to the root. */
  readonly target: string;
  /** `type` where nothing of it is there at run time. */
  readonly kind: "type" | "value";
  readonly names: readonly string[];
}

/** Which folders a folder's files may import from, beside itself. */
const allowed: Record<string, readonly string[]> = {
  common: [],
  collector: ["common"],
  gateway: ["common"],
  operator: ["common"],
  local: ["common", "operator"],
  scripts: ["common", "collector", "gateway", "operator"],
};

/** The configs that the operator's builders write have the shape that the programs read. */
const allowedTypes: readonly Omit<Import, "file">[] = [
  { kind: "type", target: "collector/config.ts", names: ["CollectorConfigInput"] },
  { kind: "type", target: "gateway/config.ts", names: ["GatewayConfigInput"] },
];

const files = globSync(`{${Object.keys(allowed).join(",")}}/**/*.ts`, { cwd: root });

test("there are files of every program", () => {
  for (const folder of Object.keys(allowed)) {
    expect(files.some((file) => file.startsWith(`${folder}/`))).toBe(true);
  }
});

test("the programs import common/ and never each other", () => {
  const wrong = files.flatMap(importsOf).filter((found) => !isAllowed(found));
  expect(wrong).toEqual([]);
});

test.each<[string, string, boolean]>([
  ["collector/a.ts", 'import { x } from "../common/y.ts";', true],
  ["collector/push/a.ts", 'import { x } from "../../common/y.ts";', true],
  ["collector/a.ts", 'import { x } from "../gateway/y.ts";', false],
  ["collector/a.ts", 'import {\n  x,\n  type Y,\n} from "../gateway/y.ts";', false],
  ["collector/a.ts", 'import "../gateway/y.ts";', false],
  ["collector/a.ts", 'const x = await import("../gateway/y.ts");', false],
  ["collector/a.ts", 'export * from "../gateway/y.ts";', false],
  ["collector/a.ts", 'import type { Y } from "../gateway/y.ts";', false],
  ["gateway/a.ts", 'import { x } from "../test/helpers/y.ts";', false],
  ["common/a.ts", 'import { x } from "../collector/config.ts";', false],
  [
    "operator/build/a.ts",
    'import type { GatewayConfigInput } from "../../gateway/config.ts";',
    true,
  ],
  [
    "operator/build/a.ts",
    'import { type GatewayConfigInput } from "../../gateway/config.ts";',
    false,
  ],
  ["operator/build/a.ts", 'import { gatewayConfig } from "../../gateway/config.ts";', false],
  ["operator/build/a.ts", 'import type { GatewayConfig } from "../../gateway/config.ts";', false],
  ["local/a.ts", 'import { x } from "../operator/y.ts";', true],
  ["local/a.ts", 'import { x } from "../gateway/y.ts";', false],
  ["gateway/a.ts", 'import { z } from "zod"; import { y } from "./y.ts";', true],
])("in %s, %s is allowed: %s", (file, text, expected) => {
  expect(findImports(file, text).every(isAllowed)).toBe(expected);
});

function isAllowed(found: Import): boolean {
  const [from, to] = [found.file, found.target].map((path) => path.split("/")[0] ?? "") as [
    string,
    string,
  ];
  if (from === to || allowed[from]?.includes(to) === true) return true;
  return (
    found.file.startsWith("operator/build/") &&
    allowedTypes.some(
      ({ kind, target, names }) =>
        kind === found.kind &&
        target === found.target &&
        found.names.every((name) => names.includes(name)),
    )
  );
}

function importsOf(file: string): Import[] {
  return findImports(file, readFileSync(join(root, file), "utf8"));
}

const statement =
  /\b(?:import|export)\s+(type\s+)?(?:([\w*{][^"';]*?)\s*from\s*)?["'](\.[^"']+)["']|\bimport\s*\(\s*["'](\.[^"']+)["']/g;

/** Imports of files, not of packages. */
function findImports(file: string, text: string): Import[] {
  return [...text.matchAll(statement)].map(([, type, clause = "", from, dynamic]) => ({
    file,
    target: join(dirname(file), from ?? dynamic ?? ""),
    kind: type === undefined ? "value" : "type",
    names: clause.match(/[\w*]+/g) ?? [],
  }));
}
