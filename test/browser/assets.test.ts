import { readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { dashboardAsset } from "../../gateway/dashboard/dashboard.ts";

const folder = new URL("../../gateway/dashboard/assets/", import.meta.url);

test("each file is served under its name, and nothing else is", async () => {
  const files = await readdir(folder);
  const served = files.filter((name) => !/\.d\.ts$|\.json$|\.html$/.test(name));
  expect(served.length).toBeGreaterThan(5);
  for (const name of served) {
    expect(dashboardAsset(`/dashboard/${name}`)?.body, name).toEqual(
      await readFile(new URL(name, folder)),
    );
  }
  for (const path of [
    "",
    "/dashboard",
    "/dashboard/",
    "/dashboard/index.html",
    "/dashboard/tsconfig.json",
    "/dashboard/../dashboard.ts",
    "/dashboard/__proto__",
  ]) {
    expect(dashboardAsset(path), path).toBeUndefined();
  }
});

test("every import and link of the page is there", () => {
  const page = dashboardAsset("/")?.body.toString() ?? "";
  const links = [...page.matchAll(/(?:src|href)="([^"#]+)"/g)].map((match) => `/${match[1]}`);
  expect(links).toContain("/dashboard/script.js");
  const seen = new Set<string>();
  for (let path = links.pop(); path !== undefined; path = links.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const asset = dashboardAsset(path);
    expect(asset, path).toBeDefined();
    const imports = path.endsWith(".js") ? asset?.body.toString() : "";
    for (const [, name] of imports?.matchAll(/^(?:import|\} from).*"\.\/([^"]+)";$/gm) ?? []) {
      links.push(`/dashboard/${name}`);
    }
  }
  expect(seen).toContain("/dashboard/uplot.js");
});

test("has a strict policy, its type, and an etag that is the body's", () => {
  const page = dashboardAsset("/");
  const style = dashboardAsset("/dashboard/style.css");
  const policy = page?.headers["content-security-policy"];
  expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
  expect(policy).not.toContain("unsafe");
  expect(policy).not.toContain("*");
  expect(page?.headers).toMatchObject({
    "content-type": "text/html; charset=utf-8",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-cache",
  });
  expect(style?.headers["content-type"]).toBe("text/css; charset=utf-8");
  expect(style?.headers["etag"]).not.toBe(page?.headers["etag"]);
});

test("a caller that changes the headers changes its own", () => {
  const asset = dashboardAsset("/");
  delete asset?.headers["content-security-policy"];
  expect(dashboardAsset("/")?.headers["content-security-policy"]).toBeDefined();
});
