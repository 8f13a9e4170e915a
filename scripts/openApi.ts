import { readFileSync, writeFileSync } from "node:fs";
import { format } from "prettier";
import { systemClock } from "../common/clock.ts";
import { parseConfig } from "../common/config/load.ts";
import { version } from "../common/version.ts";
import { describeApi } from "../gateway/api/openapi.ts";
import { createRoutes } from "../gateway/api/routes.ts";
import { gatewayConfig } from "../gateway/config.ts";
import { Dispenser } from "../gateway/draw/dispenser.ts";
import { createStore } from "../gateway/store.ts";

/** Writes docs/openapi.json as a gateway with the default config serves it; `--check` compares. */
const path = new URL("../docs/openapi.json", import.meta.url);
const config = parseConfig(gatewayConfig, JSON.stringify(smallestConfig()), "default config");
const { queue } = createStore(config, systemClock);
const dispenser = new Dispenser({
  queue,
  maxRequestBytes: config.max_request_bytes,
  now: systemClock.monotonic,
});
const routes = createRoutes({
  dispenser,
  maxWait: config.max_wait,
  conditioning: config.conditioning,
  describeStatus: () => {
    throw new Error("no gateway runs here");
  },
});
const document = await format(JSON.stringify(describeApi(routes, version)), { parser: "json" });
if (!process.argv.includes("--check")) writeFileSync(path, document);
else if (readFileSync(path, "utf8") !== document) {
  process.stderr.write("docs/openapi.json differs from the routes; run: npm run docs\n");
  process.exitCode = 1;
}

function smallestConfig(): object {
  return { api_keys: ["only-for-the-document-00"], hmac_secret_key: "00".repeat(32) };
}
