import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { draw, fill, withKey } from "../gateway/helpers/gateway.ts";
import { makeAuthority } from "../helpers/certificates.ts";
import { eventually } from "../helpers/eventually.ts";
import { sends, sendsBytes, startFaultAppliance } from "../helpers/faultAppliance.ts";
import { makeFolder } from "../helpers/folder.ts";
import { enter, fact, setHidden } from "./helpers/enter.ts";
import { openBrowser, visit } from "./helpers/visit.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser?.close());

const failed = /Failed to load resource/;

test("shows the gateway's status", async () => {
  await visit({ browser }, async ({ page, gateway }) => {
    await enter(page);
    const health = page.getByRole("region", { name: "Health" });
    await health.getByRole("listitem").getByText("Buffer: Failing").waitFor();
    await health.getByText("nothing has come in yet").waitFor();
    await health.getByText("empty: no fresh bytes").waitFor();
    await page.getByText("Simulated source.").waitFor();
    await fill(gateway, randomBytes(32_768));
    await health.getByRole("listitem").getByText("Buffer: OK").waitFor();
    await health.getByText("50 % full").waitFor();
    await health.getByText("Freshness: OK").waitFor();
    await health.getByText("Source: Warning").waitFor();
    expect(await fact(page, "In the buffer")).toBe("32 KiB of 64 KiB");
    expect(await page.getByRole("heading", { name: "Warnings" }).count()).toBe(0);
    expect(await page.title()).toBe("healthy · QRNG Bridge");
    const status = (await (
      await fetch(`${gateway.api}/api/status`, { headers: withKey })
    ).json()) as { version: string };
    expect(await fact(page, "Version")).toBe(status.version);
    expect(await fact(page, "Last push, key config-bound")).toMatch(/\d:\d\d/);
  });
});

test.for([
  ["gives no bytes", "ERR_SOURCE_STATUS", sends("text/plain", "", 500)],
  ["cut off by a health test", "repetition count", sendsBytes(randomBytes(1024).fill(7, 9, 49))],
] as const)("shows why nothing comes from a source: %s", async ([text, reason, reply]) => {
  await using folder = await makeFolder();
  const authority = await makeAuthority();
  const identity = await authority.issue();
  await using appliance = await startFaultAppliance({ identity, reply });
  await writeFile(folder.at("ca.pem"), authority.certificate);
  const source = { name: "lab", type: "Quantis" as const, url: appliance.url };
  const config = {
    deployment_mode: "Direct" as const,
    direct_mode_config: {
      sources: [{ ...source, ca_file: folder.at("ca.pem"), fetch_chunk_size: 1024 }],
    },
  };
  await visit({ browser, config }, async ({ page }) => {
    await enter(page);
    await page.getByText("Source: Failing").waitFor();
    await page.getByRole("listitem").getByText(text).waitFor();
    await page.getByText("nothing comes from lab").getByText(reason).waitFor();
  });
});

test("each light has a shape and a word of its own for its state", async () => {
  await visit({ browser }, async ({ page, gateway }) => {
    await fill(gateway, randomBytes(4096));
    await page.route("**/api/status", async (route) => {
      const response = await route.fetch();
      const status = (await response.json()) as Record<string, unknown>;
      const quality = { ...(status["quality"] as object), blocks_tested: 1000, alarm: "poker" };
      await route.fulfill({ json: { ...status, quality } });
    });
    await enter(page);
    const lights = page.getByRole("region", { name: "Health" }).locator(".lights li");
    const shown = await lights.evaluateAll((items) =>
      items.map((item) => [
        item.querySelector("strong")?.textContent,
        item.querySelector("use")?.getAttribute("href"),
      ]),
    );
    expect(shown).toEqual([
      ["Gateway: Warning", "#shape-warning"],
      ["Buffer: Warning", "#shape-warning"],
      ["Freshness: OK", "#shape-ok"],
      ["Source: Warning", "#shape-warning"],
      ["Quality tests: Failing", "#shape-failing"],
    ]);
    await page.getByText("alarm: poker").waitFor();
  });
});

test("changes of status are said to screen readers once, not each second", async () => {
  await visit({ browser }, async ({ page, gateway }) => {
    await page.evaluate(
      `said = [];
       new MutationObserver(() => said.push(document.getElementById("announcer").textContent))
         .observe(document.getElementById("announcer"), { childList: true })`,
    );
    await enter(page);
    await page.waitForTimeout(2500);
    await fill(gateway, randomBytes(32_768));
    await page.getByText("Buffer: OK").waitFor();
    await page.waitForTimeout(1500);
    expect(await page.evaluate("said")).toEqual([
      "Gateway unhealthy; warnings: simulated, empty, stale",
      "Gateway healthy; warnings: simulated",
    ]);
    expect(await page.locator("#announcer").getAttribute("role")).toBe("status");
  });
});

test("draws charts of fill, requests and bytes, and says them in words", async () => {
  await visit({ browser }, async ({ page, gateway }) => {
    await fill(gateway, randomBytes(32_768));
    await enter(page);
    await draw(gateway, "?bytes=16384");
    await page.getByRole("img", { name: /Buffer fill, .* now 25 %, between 25 % and/ }).waitFor();
    for (const name of [/^Buffer fill/, /^Requests served/, /^Bytes a second.*out now.*in now/]) {
      const chart = page.getByRole("img", { name });
      expect(await chart.locator("canvas").count()).toBe(1);
      expect(await chart.locator("canvas").evaluate(inkShare)).toBeGreaterThan(0.01);
    }
    await page.getByText("Now: 25 %").waitFor();
    const box = await page.locator("#fill-chart .u-over").boundingBox();
    await page.mouse.move((box?.x ?? 0) + 10, (box?.y ?? 0) + 10);
    await expect.poll(() => page.locator("#fill-readout").innerText()).toMatch(/ s ago: \d+ %$/);
    await page.getByText("Means of each minute").click();
    await page.getByRole("row", { name: /^0 to 1 / }).waitFor();
  });
});

/** The share of a canvas's pixels that were painted. */
function inkShare(canvas: unknown): number {
  const { width, height, getContext } = canvas as {
    width: number;
    height: number;
    getContext: () => { getImageData: (...box: number[]) => { data: Uint8ClampedArray } };
  };
  const { data } = getContext
    .call(canvas, ...(["2d"] as unknown as []))
    .getImageData(0, 0, width, height);
  return data.filter((value, index) => index % 4 === 3 && value > 0).length / (width * height);
}

test("draws bytes, other ones each time, and clears them", async () => {
  const context = { permissions: ["clipboard-write"] };
  await visit({ browser, context }, async ({ page, gateway }) => {
    const sent = randomBytes(1024);
    await fill(gateway, sent);
    await enter(page);
    const region = page.getByRole("region", { name: "Draw" });
    const result = region.getByRole("textbox", { name: "Result" });
    const drawNow = async (bytes: number, encoding: string): Promise<string> => {
      await region.getByRole("spinbutton", { name: "Bytes" }).fill(String(bytes));
      await region.getByRole("combobox", { name: "Encoding" }).selectOption(encoding);
      await region.getByRole("button", { name: "Draw" }).click();
      await region.getByRole("status").getByText(`${bytes} bytes drawn, as ${encoding}.`).waitFor();
      return result.inputValue();
    };
    expect(await drawNow(20, "hex")).toBe(sent.subarray(0, 20).toString("hex"));
    expect(await drawNow(21, "base64")).toBe(sent.subarray(20, 41).toString("base64"));
    expect(await drawNow(22, "base64url")).toBe(sent.subarray(41, 63).toString("base64url"));
    expect(await result.getAttribute("readonly")).not.toBeNull();
    await region.getByRole("button", { name: "Copy" }).click();
    await region.getByText("Copied.").waitFor();
    const pasted = page.locator("#pasted");
    await page.evaluate(
      "document.body.append(Object.assign(document.createElement('textarea'), { id: 'pasted' }))",
    );
    await pasted.press("ControlOrMeta+v");
    expect(await pasted.inputValue()).toBe(await result.inputValue());
    await region.getByRole("button", { name: "Clear" }).click();
    expect(await result.inputValue()).toBe("");
    await region.getByText("Cleared.").waitFor();
    await drawNow(23, "hex");
    await page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))");
    expect(await result.inputValue()).toBe("");
  });
});

test("selects the result where the clipboard is closed to pages", async () => {
  await visit({ browser }, async ({ page, gateway }) => {
    await fill(gateway, randomBytes(64));
    await enter(page);
    await page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })");
    const region = page.getByRole("region", { name: "Draw" });
    await region.getByRole("button", { name: "Copy" }).click();
    await region.getByText("Nothing to copy.").waitFor();
    await region.getByRole("button", { name: "Draw" }).click();
    await region.getByText("32 bytes drawn").waitFor();
    await region.getByRole("button", { name: "Copy" }).click();
    await region.getByText("Selected: copy it with the keyboard.").waitFor();
    expect(await page.evaluate("getSelection().toString().length")).toBe(64);
  });
});

test("says why a draw failed, and shows nothing then", async () => {
  await visit({ browser, allowed: /status of (503|400)/ }, async ({ page, gateway }) => {
    await fill(gateway, randomBytes(16));
    await enter(page);
    const region = page.getByRole("region", { name: "Draw" });
    await region.getByRole("button", { name: "Draw" }).click();
    await region.getByRole("status").getByText("No bytes now: fewer fresh bytes").waitFor();
    expect(await region.getByRole("textbox", { name: "Result" }).inputValue()).toBe("");
  });
});

test("draws points for π from fresh bytes while its box is ticked", async () => {
  await visit({ browser }, async ({ page, gateway, asked }) => {
    await fill(gateway, randomBytes(32_768));
    await enter(page);
    const draws = (): number => asked.filter(({ path }) => path.startsWith("/api/random")).length;
    const box = page.getByRole("checkbox", { name: "Draw points" });
    expect(await box.isChecked()).toBe(false);
    await page.waitForTimeout(1500);
    expect(draws()).toBe(0);

    await box.check();
    const points = async (): Promise<number> => Number(await fact(page, "Points"));
    await eventually(async () => (await points()) >= 160);
    expect(await points()).toBe(draws() * 40);
    const estimate = Number(await fact(page, "Estimate of π"));
    expect(Math.abs(estimate - Math.PI)).toBeLessThan(6 * (1.65 / Math.sqrt(160)));
    await page.getByRole("img", { name: /^\d+ random points, .* π is about \d/ }).waitFor();
    expect(await page.locator("#pi-canvas").evaluate(inkShare)).toBeGreaterThan(0.003);

    await setHidden(page, true);
    await page.waitForTimeout(200);
    const before = draws();
    await page.waitForTimeout(2500);
    expect(draws()).toBe(before); // nobody looks
    await setHidden(page, false);
    await eventually(() => draws() > before);
    await box.uncheck();
    await page.getByRole("button", { name: "Start again" }).click();
    await expect.poll(points).toBe(0);
  });
});

test("the estimate is that of the bytes it got", async () => {
  await visit({ browser }, async ({ page, gateway }) => {
    // x and y of 0.5 + a little, and of just under 1: half of the points are inside.
    const point = ["800000800000", "ffffffffffff"].join("");
    await fill(gateway, Buffer.from(point.repeat(20), "hex"));
    await enter(page);
    await page.getByLabel("Draw points").check();
    await expect.poll(() => fact(page, "Points")).toBe("40");
    expect(await fact(page, "Inside")).toBe("20");
    expect(await fact(page, "Estimate of π")).toBe("2.0000");
    await page.getByLabel("Draw points").uncheck();
  });
});

test("waits as long as a 429 says", async () => {
  await visit({ browser, allowed: /status of 429/ }, async ({ page, asked }) => {
    await enter(page);
    const headers = { "retry-after": "4" };
    const json = { detail: "this key's limit is reached" };
    await page.route("**/api/status", (route) => route.fulfill({ status: 429, headers, json }), {
      times: 1,
    });
    await page.getByText("limit is reached. Next try in 4 s. Shown is").waitFor();
    const refusedAt = performance.now();
    const before = asked.length;
    await page.getByText("Gateway: Unknown").waitFor();
    await setHidden(page, true);
    await setHidden(page, false); // a look at the tab does not shorten it
    await page.getByText("Read each second").waitFor();
    expect((asked[before]?.at ?? 0) - refusedAt).toBeGreaterThan(3500);
  });
});

test("says that the gateway is gone, asks less often, and goes on when it is back", async () => {
  await visit({ browser, allowed: failed }, async ({ page, gateway, asked }) => {
    await fill(gateway, randomBytes(32_768));
    await enter(page);
    await page.getByText("Gateway: OK").waitFor();
    await page.route("**/api/status", (route) => route.abort());
    await page.getByText("The gateway does not answer.").first().waitFor();
    await page.getByText("Gateway: Unknown").waitFor();
    await page.getByText("last: healthy").waitFor();
    const before = asked.length;
    await page.waitForTimeout(5000);
    expect(asked.length - before).toBeLessThanOrEqual(2);
    expect(await page.title()).toBe("no answer · QRNG Bridge");
    await page.unroute("**/api/status");
    await page.getByText("Gateway: OK").waitFor();
  });
});

test("asks each second, and less often while the tab is hidden", async () => {
  await visit({ browser }, async ({ page, asked }) => {
    await enter(page);
    const before = asked.length;
    await page.waitForTimeout(4000);
    expect(asked.length - before).toBeGreaterThanOrEqual(3);
    expect(asked.length - before).toBeLessThanOrEqual(5);
    await setHidden(page, true);
    const hidden = asked.length;
    await page.waitForTimeout(3000);
    expect(asked.length - hidden).toBeLessThanOrEqual(1);
    const shown = asked.length;
    await setHidden(page, false);
    await eventually(() => asked.length > shown, 1000);
  });
});

test("the page's policy is in force", async () => {
  const allowed = /violates the following|policy |blocked|Refused|TrustedScript|trusted/i;
  await visit({ browser, allowed }, async ({ page }) => {
    await page.evaluate(
      `violated = [];
       addEventListener("securitypolicyviolation", (event) => violated.push(event.effectiveDirective));
       const style = document.createElement("style");
       style.textContent = "body { display: none }";
       document.head.append(style);
       const image = document.createElement("img");
       image.src = "data:image/gif;base64,R0lGODlhAQABAAAAACw=";
       fetch("https://elsewhere.invalid/").catch(() => undefined);
       try { image.setAttribute("onclick", "x()"); } catch {}
       try { document.createElement("p").innerHTML = "<b>x</b>"; } catch {}`,
    );
    await expect
      .poll(() => page.evaluate<string[]>("violated"))
      .toEqual(expect.arrayContaining(["style-src-elem", "img-src", "connect-src"]));
    expect(await page.evaluate("violated")).toContain("require-trusted-types-for");
  });
});
