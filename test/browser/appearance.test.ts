import { randomBytes } from "node:crypto";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fill } from "../gateway/helpers/gateway.ts";
import { eventually } from "../helpers/eventually.ts";
import { enter, fact } from "./helpers/enter.ts";
import { openBrowser, visit } from "./helpers/visit.ts";

let browser: Browser;
let pictures: string;
let contrast: string;
beforeAll(async () => {
  browser = await openBrowser();
  pictures = await mkdtemp(join(tmpdir(), "qrng-bridge-pictures-")); // kept, to be looked at
  contrast = await readFile(new URL("helpers/contrast.js", import.meta.url), "utf8");
});
afterAll(() => browser?.close());

test.for([
  { colorScheme: "light", width: 1280 },
  { colorScheme: "dark", width: 1280 },
  { colorScheme: "light", width: 375 },
  { colorScheme: "dark", width: 320 },
] as const)("$colorScheme, $width pixels: fits, can be read", async ({ colorScheme, width }) => {
  const context = { colorScheme, viewport: { width, height: 800 } };
  await visit({ browser, context }, async ({ page, gateway }) => {
    const shoot = (name: string): Promise<unknown> =>
      page.screenshot({
        path: join(pictures, `${name}-${colorScheme}-${width}.png`),
        fullPage: true,
      });
    const check = async (): Promise<void> => {
      expect(await page.evaluate(contrast)).toEqual([]);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
    };
    await page.getByRole("button", { name: "Connect" }).click();
    await page.getByRole("alert").getByText("Enter an API key").waitFor();
    await check();
    await shoot("entrance");
    await fill(gateway, randomBytes(40_000));
    await enter(page);
    await page.getByLabel("Draw points").check();
    await page.getByRole("button", { name: "Draw", exact: true }).click();
    await page.getByText("32 bytes drawn").waitFor();
    await page.getByText("Means of each minute").click();
    await eventually(async () => (await fact(page, "Points")) !== "0");
    await check();
    await shoot("panels");
  });
});

test("charts follow the theme when it changes", async () => {
  const allowed = /willReadFrequently/; // the test's own reading
  await visit(
    { browser, context: { colorScheme: "light" }, allowed },
    async ({ page, gateway }) => {
      await fill(gateway, randomBytes(40_000));
      await enter(page);
      await page.waitForTimeout(3000);
      const frame = page.locator("#fill-chart");
      const drawn = await frame.locator("canvas").evaluate(strongestColor);
      await page.emulateMedia({ colorScheme: "dark" });
      await expect.poll(() => frame.locator("canvas").evaluate(strongestColor)).not.toEqual(drawn);
      expect(drawn).toBe("29,95,180");
      expect(await frame.locator("canvas").evaluate(strongestColor)).toBe("125,180,245");
    },
  );
});

/** The opaque colour that most of a canvas's coloured pixels have. */
function strongestColor(canvas: unknown): string {
  const { width, height, getContext } = canvas as {
    width: number;
    height: number;
    getContext: () => { getImageData: (...box: number[]) => { data: Uint8ClampedArray } };
  };
  const context = getContext.call(canvas, ...(["2d"] as unknown as []));
  const { data } = context.getImageData(0, 0, width, height);
  const counts = new Map<string, number>();
  for (let at = 0; at < data.length; at += 4) {
    const [red = 0, green = 0, blue = 0, alpha] = data.subarray(at, at + 4);
    const isColored = Math.max(red, green, blue) - Math.min(red, green, blue) > 60;
    if (alpha !== 255 || !isColored) continue;
    const color = `${red},${green},${blue}`;
    counts.set(color, (counts.get(color) ?? 0) + 1);
  }
  return [...counts].sort(([, one], [, other]) => other - one)[0]?.[0] ?? "none";
}

test("has landmarks, one main heading and a label for every control", async () => {
  await visit({ browser }, async ({ page }) => {
    for (const role of ["banner", "main", "contentinfo"] as const) {
      expect(await page.getByRole(role).count(), role).toBe(1);
    }
    expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe("QRNG Bridge");
    await page.getByRole("region", { name: "Connect to this gateway" }).waitFor();
    await enter(page);
    for (const name of ["Health", "The last ten minutes", "Draw", "π from random points"]) {
      await page.getByRole("region", { name, exact: true }).waitFor();
    }
    expect(await page.getByRole("list").count()).toBeGreaterThan(0);
    expect(await page.getAttribute("html", "lang")).toBe("en");
    const controls = page.locator(
      ":is(button, input, select, textarea, summary, [role=img]):visible",
    );
    const count = await controls.count();
    expect(count).toBeGreaterThan(10);
    for (let index = 0; index < count; index += 1) {
      const tree = await controls.nth(index).ariaSnapshot();
      expect(tree, tree).toMatch(/"[^"]+"|: .+/); // a role with a name
    }
  });
});

test("every control can be reached by Tab, and shows that it is", async () => {
  await visit({ browser }, async ({ page }) => {
    await enter(page);
    const reached = new Set<string>();
    for (let index = 0; index < 12; index += 1) {
      await page.keyboard.press("Tab");
      const [name, outline] = await page.evaluate<[string, string]>(
        `[document.activeElement.id || document.activeElement.tagName,
          getComputedStyle(document.activeElement).outlineStyle]`,
      );
      reached.add(name);
      if (name !== "BODY") expect(outline, name).toBe("solid");
    }
    for (const id of ["forget", "draw-bytes", "draw-encoding", "draw-result", "draw-copy"]) {
      expect(reached).toContain(id);
    }
    for (const id of ["SUMMARY", "draw-clear", "pi-on", "pi-reset"]) expect(reached).toContain(id);
  });
});
