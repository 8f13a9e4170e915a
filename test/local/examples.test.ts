import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { collectorConfig } from "../../collector/config.ts";
import { loadConfig } from "../../common/config/load.ts";
import { formatAddress } from "../../common/config/fields.ts";
import { gatewayConfig } from "../../gateway/config.ts";
import { readBridgeFile } from "../../local/bridgeFile.ts";

const example = (name: string): string => join(import.meta.dirname, "../../examples", name);

test("quickstart is a bridge with a simulated appliance", async () => {
  const { bridge } = await readBridgeFile(example("quickstart.yaml"));
  expect(bridge.spec.sources).toMatchObject([{ url: "https://127.0.0.1:7766", simulated: true }]);
});

test("the collector's goes with the pushed gateway's", async () => {
  const collector = await loadConfig(collectorConfig, example("collector.yaml"));
  const gateway = await loadConfig(gatewayConfig, example("gateway-push.yaml"));
  expect(collector.push_url).toBe(`http://${formatAddress(gateway.push.listen_address)}/push`);
  expect(collector.hmac_secret_key).toBe(gateway.hmac_secret_key);
  expect(gateway.deployment_mode).toBe("Push");
});

test("the gateway that fetches itself", async () => {
  const gateway = await loadConfig(gatewayConfig, example("gateway-direct.yaml"));
  expect(gateway.deployment_mode).toBe("Direct");
});

describe.each(["collector.yaml", "gateway-push.yaml", "gateway-direct.yaml"])("%s", (name) => {
  test("calls its secrets examples, in themselves and beside them", async () => {
    const lines = (await readFile(example(name), "utf8")).split("\n");
    const secrets = lines.flatMap((line, index) =>
      /^ *(hmac_secret_key|key): /.test(line) ? [index] : [],
    );
    expect(secrets).not.toEqual([]);
    for (const index of secrets) {
      const [, value = ""] = lines[index]!.split(": ");
      const text = /^[0-9a-f]{64}$/.test(value) ? Buffer.from(value, "hex").toString() : value;
      expect(text).toMatch(/^example.only/);
      expect(lines.slice(Math.max(0, index - 6), index).join("\n")).toContain("EXAMPLE ONLY");
    }
  });
});
