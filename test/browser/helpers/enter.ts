import type { Page } from "playwright-core";
import { apiKey } from "../../gateway/helpers/gateway.ts";

/** Connects with the right key, and waits until the gateway's status is shown. */
export async function enter(page: Page): Promise<void> {
  await page.getByLabel("API key").fill(apiKey);
  await page.getByRole("button", { name: "Connect" }).click();
  await page.getByText("Read each second").waitFor();
}

/** The text of a fact by its term. */
export async function fact(page: Page, term: string): Promise<string> {
  const row = page.locator("dl > div", { has: page.getByText(term, { exact: true }) });
  return row.locator("dd").innerText();
}

/** Makes the page believe that its tab is hidden, or shown again. */
export async function setHidden(page: Page, isHidden: boolean): Promise<void> {
  await page.evaluate(
    `Object.defineProperty(document, "hidden", { configurable: true, value: ${isHidden} });
     document.dispatchEvent(new Event("visibilitychange"))`,
  );
}
