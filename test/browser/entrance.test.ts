import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { apiKey, fill } from "../gateway/helpers/gateway.ts";
import { enter, fact } from "./helpers/enter.ts";
import { openBrowser, visit } from "./helpers/visit.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser?.close());

const refused = /status of 401/;

test("a key is entered, and forgotten, by keyboard alone", async () => {
  await visit({ browser }, async ({ page }) => {
    const key = page.getByRole("textbox", { name: "API key" });
    await expect.poll(() => key.evaluate((element) => element.matches(":focus"))).toBe(true);
    await page.keyboard.type(apiKey);
    await page.keyboard.press("Enter");
    const health = page.getByRole("heading", { name: "Health" });
    await health.waitFor();
    expect(await health.evaluate((element) => element.matches(":focus"))).toBe(true);
    await page.keyboard.press("Shift+Tab");
    const forget = page.getByRole("button", { name: "Forget key" });
    expect(await forget.evaluate((element) => element.matches(":focus-visible"))).toBe(true);
    await page.keyboard.press("Enter");
    await key.waitFor();
    expect(await key.inputValue()).toBe("");
    expect(await page.getByRole("heading", { name: "Health" }).count()).toBe(0);
  });
});

test("says that a key is wrong, and does not keep it", async () => {
  await visit({ browser, allowed: refused }, async ({ page }) => {
    const key = page.getByLabel("API key");
    await key.fill("wrong-key-0123456789abcdef");
    await page.getByRole("button", { name: "Connect" }).click();
    await page.getByRole("alert").getByText("does not know the key").waitFor();
    expect(await key.getAttribute("aria-invalid")).toBe("true");
    expect(await key.evaluate((element) => element.matches(":focus"))).toBe(true);
    expect(await page.evaluate("sessionStorage.length")).toBe(0);
    await enter(page); // and the right one is taken
  });
});

test("does not send what cannot be a key", async () => {
  await visit({ browser }, async ({ page, asked }) => {
    for (const text of [
      "",
      "short",
      "with a space 0123456789abcdef",
      "gänsefüßchen-0123456789abc",
    ]) {
      await page.getByLabel("API key").fill(text);
      await page.getByRole("button", { name: "Connect" }).click();
      const problem = text === "" ? "Enter an API key" : "This is no API key";
      await page.getByRole("alert").getByText(problem).waitFor();
    }
    expect(asked.filter(({ path }) => path.startsWith("/api/"))).toEqual([]);
  });
});

test("the key is in this tab's session storage, and nowhere else", async () => {
  await visit({ browser }, async ({ page, gateway, origin, asked }) => {
    await fill(gateway, Buffer.alloc(4096, 1));
    await enter(page);
    await page.getByRole("button", { name: "Draw", exact: true }).click();
    await page.getByText("32 bytes drawn").waitFor();
    expect(await page.evaluate("Object.values({ ...sessionStorage })")).toEqual([apiKey]);
    expect(await page.evaluate("localStorage.length + document.cookie.length")).toBe(0);
    expect(page.url()).toBe(`${origin}/`);
    expect(asked.filter(({ path }) => path.includes(apiKey))).toEqual([]);
    expect(await page.content()).not.toContain(apiKey);

    await page.reload();
    await page.getByText("Read each second").waitFor();
    const other = await page.context().newPage();
    await other.goto(origin);
    await other.getByLabel("API key").waitFor();
    await other.close();

    await page.getByRole("button", { name: "Forget key" }).click();
    expect(await page.evaluate("sessionStorage.length")).toBe(0);
    await page.reload();
    await page.getByLabel("API key").waitFor();
  });
});

test("forgetting the key takes what it fetched with it, and stops asking", async () => {
  await visit({ browser }, async ({ page, gateway, asked }) => {
    await fill(gateway, Buffer.alloc(4096, 1));
    await enter(page);
    await page.getByLabel("Draw points").check();
    await page.getByRole("button", { name: "Draw", exact: true }).click();
    await page.getByText("32 bytes drawn").waitFor();
    await eventually(async () => (await fact(page, "Points")) !== "0");
    await page.getByRole("button", { name: "Forget key" }).click();
    const before = asked.length;
    expect(await page.locator("#draw-result").inputValue()).toBe("");
    expect(await page.locator("#pi-canvas").getAttribute("aria-label")).toBe("No points yet");
    expect(await page.locator("#facts").textContent()).toBe("");
    await page.waitForTimeout(2500);
    expect(asked.slice(before)).toEqual([]);
  });
});

test("a key that is taken back leads to the form", async () => {
  await visit({ browser, allowed: refused }, async ({ page }) => {
    await enter(page);
    await page.route("**/api/status", (route) =>
      route.fulfill({ status: 401, json: { detail: "no such API key" } }),
    );
    await page.getByRole("alert").getByText("does not know the key").waitFor();
    await page.getByLabel("API key").waitFor();
    expect(await page.evaluate("sessionStorage.length")).toBe(0);
  });
});
