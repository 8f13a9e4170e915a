import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { anchorsOf, linksOf } from "./helpers/markdown.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const ignored = ["**/node_modules/**", "**/.*/**", "dist/**", "coverage/**"];
const pages = globSync("**/*.md", { cwd: root, exclude: ignored });
const read = (file: string): string => readFileSync(join(root, file), "utf8");

test("README.md leads to every page, by links of other pages too", () => {
  const reached = new Set<string>();
  const follow = (page: string): void => {
    if (reached.has(page)) return;
    reached.add(page);
    for (const { file } of targetsOf(page)) if (file.endsWith(".md")) follow(file);
  };
  follow("README.md");
  expect(pages.filter((page) => !reached.has(page)).sort()).toEqual(["CHANGELOG.md"]);
});

test.each(pages)("the links of %s lead somewhere", (page) => {
  for (const { link, file, anchor } of targetsOf(page)) {
    expect(existsSync(join(root, file)), link).toBe(true);
    if (anchor !== "") expect(anchorsOf(read(file)), link).toContain(anchor);
  }
});

/** The links of a page to files of the repository, relative to its root. */
function targetsOf(page: string): { link: string; file: string; anchor: string }[] {
  return linksOf(read(page)).flatMap((link) => {
    if (URL.canParse(link)) return [];
    const [path = "", anchor = ""] = link.split("#");
    return [{ link, file: path === "" ? page : join(dirname(page), path), anchor }];
  });
}

test("an anchor is what GitHub makes of a heading", () => {
  const text = "# A `code` & (more), 2×: it's\n## See it\n## See it\n```sh\n# none\n```\n";
  expect(anchorsOf(text)).toEqual(["a-code--more-2-its", "see-it", "see-it-1"]);
  expect(linksOf("a [b](c.md#d), `[e](f)`, ![g](h.png)\n```\n[i](j)\n```\n")).toEqual([
    "c.md#d",
    "h.png",
  ]);
});
