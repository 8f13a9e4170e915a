import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

export interface DashboardAsset {
  readonly status: 200;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

/** Nothing but what this origin serves as a file: no inline script or style, no other host, no frame. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const securityHeaders = {
  "content-security-policy": policy,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy":
    "camera=(), clipboard-read=(), clipboard-write=(self), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
  "cache-control": "no-cache", // kept, but asked for again with its etag
};

const types = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
} as const;

type Extension = keyof typeof types;

const names: readonly `${string}.${Extension}`[] = [
  "api.js",
  "charts.js",
  "draw.js",
  "format.js",
  "health.js",
  "history.js",
  "icon.svg",
  "key.js",
  "lights.js",
  "page.js",
  "pi.js",
  "repeat.js",
  "script.js",
  "style.css",
];

const assets = readAssets();

/**
 * The page at `/` or one of its files under `/dashboard/`, as it may be answered to anyone: neither
 * holds a secret, and what is shown is fetched with the API key that the user enters.
 */
export function dashboardAsset(path: string): DashboardAsset | undefined {
  const asset = assets.get(path);
  // The headers are the caller's to change.
  return asset === undefined ? undefined : { ...asset, headers: { ...asset.headers } };
}

function readAssets(): ReadonlyMap<string, DashboardAsset> {
  const own = (name: string): URL => new URL(`assets/${name}`, import.meta.url);
  const { resolve } = createRequire(import.meta.url);
  const uplot = (name: string): URL => pathToFileURL(resolve(`uplot/dist/${name}`));
  return new Map([
    ["/", readAsset(own("index.html"), "html")],
    ["/dashboard/uplot.js", readAsset(uplot("uPlot.esm.js"), "js")],
    ["/dashboard/uplot.css", readAsset(uplot("uPlot.min.css"), "css")],
    ...names.map((name) => {
      const extension = name.slice(name.lastIndexOf(".") + 1) as Extension;
      return [`/dashboard/${name}`, readAsset(own(name), extension)] as const;
    }),
  ]);
}

function readAsset(file: URL, extension: Extension): DashboardAsset {
  const body = readFileSync(file);
  const etag = `"${createHash("sha256").update(body).digest("base64url")}"`;
  const headers = { ...securityHeaders, "content-type": types[extension], etag };
  return { status: 200, headers, body };
}
