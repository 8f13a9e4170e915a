import { existsSync } from "node:fs";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { expect } from "vitest";
import type { GatewayConfigInput } from "../../../gateway/config.ts";
import { startTestGateway, type TestGateway } from "../../gateway/helpers/gateway.ts";

const executablePath = "/usr/bin/chromium";

/** Off: everything that a browser would ask of the network for itself. */
const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A Chromium with a profile of its own, which goes away with it. */
export async function openBrowser(): Promise<Browser> {
  if (!existsSync(executablePath)) {
    throw new Error(`these tests need ${executablePath}: apt-get install chromium`);
  }
  return chromium.launch({ executablePath, args: flags });
}

/** Takes pushes at once, signed without a lead on the clock. */
const window = { future: 0 };

/** A small buffer, so that its fill can be seen to change. */
const smallBuffer: GatewayConfigInput = {
  buffer_size: 65_536,
  max_request_bytes: 65_536,
  simulated: true,
  push: { max_packet_size: 65_536, window },
};

export interface Visit {
  readonly page: Page;
  readonly gateway: TestGateway;
  /** Where the page is served. */
  readonly origin: string;
  /** The paths that were asked for so far, with when, in milliseconds. */
  readonly asked: readonly { readonly path: string; readonly at: number }[];
}

export interface VisitOptions {
  readonly browser: Browser;
  readonly context?: BrowserContextOptions;
  /** Of the gateway, instead of one with a small buffer that calls itself simulated. */
  readonly config?: GatewayConfigInput;
  /** What the console may say, beside nothing: an answer such as 401 is an error to it. */
  readonly allowed?: RegExp;
}

/**
 * Opens the page of a new gateway. At the end nothing may have gone wrong: no error or warning in
 * the console, no violation of the page's policy, no request to elsewhere.
 */
export async function visit(
  { browser, context: contextOptions, config = smallBuffer, allowed }: VisitOptions,
  body: (visit: Visit) => Promise<void>,
): Promise<void> {
  await using gateway = await startTestGateway(config);
  const origin = gateway.api;
  const context = await browser.newContext(contextOptions);
  try {
    const page = await context.newPage();
    const problems: string[] = [];
    const asked: { path: string; at: number }[] = [];
    page.on("console", (message) => {
      if (!["error", "warning"].includes(message.type()) || allowed?.test(message.text())) return;
      problems.push(message.text());
    });
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("request", (request) => {
      const url = new URL(request.url());
      asked.push({ path: `${url.pathname}${url.search}`, at: performance.now() });
      if (url.origin !== origin) problems.push(`asked ${url.origin}`);
    });
    await page.addInitScript(
      "addEventListener('securitypolicyviolation', (event) => console.error('policy', event.violatedDirective))",
    );
    await page.goto(origin);
    try {
      await body({ page, gateway, origin, asked });
    } catch (error) {
      // What went wrong in the page says more than what was waited for.
      throw problems.length > 0 ? new Error(problems.join("\n"), { cause: error }) : error;
    }
    expect(problems).toEqual([]);
  } finally {
    await context.close();
  }
}
