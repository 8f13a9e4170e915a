import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { parseConfig } from "../../common/config/load.ts";
import { collectorConfig } from "../../collector/config.ts";
import { startCollector } from "../../collector/collector.ts";
import { draw, fill, startTestGateway } from "../gateway/helpers/gateway.ts";
import { postCall } from "../mcp/helpers/calls.ts";
import { captureLog } from "../helpers/capturedLog.ts";
import { runTool } from "./tool.ts";

async function expectGoodMetrics(management: string): Promise<void> {
  const text = await (await fetch(`${management}/metrics`)).text();
  const install = "apt-get install prometheus";
  const { code, output } = await runTool("promtool", ["check", "metrics"], {
    install,
    input: text,
  });
  expect(output).toBe("");
  expect(code).toBe(0);
}

test("promtool finds nothing wrong with the gateway's metrics", async () => {
  await using gateway = await startTestGateway({ push: { window: { future: 0 } } });
  await fill(gateway, randomBytes(100));
  await (await draw(gateway)).text();
  expect(await (await postCall(gateway, "2025-11-25", 101)).text()).toContain("ERR_NO_ENTROPY");
  await expectGoodMetrics(gateway.management);
});

test("promtool finds nothing wrong with the collector's metrics", async () => {
  const config = {
    appliance_url: "https://127.0.0.1:9",
    push_url: "http://127.0.0.1:9/push",
    hmac_secret_key: "00".repeat(32),
    management_address: "127.0.0.1:0",
    shutdown_grace: 0,
  };
  const captured = captureLog("info");
  const parsed = parseConfig(collectorConfig, JSON.stringify(config), "test.yaml");
  const collector = await startCollector(parsed, { log: captured.log });
  const line = captured.lines().find(({ listener }) => listener === "management");
  await expectGoodMetrics(`http://${String(line?.["address"])}`);
  await collector.stop();
});
