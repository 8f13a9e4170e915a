import fc from "fast-check";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { collectorConfig } from "../../collector/config.ts";
import { parseConfig } from "../../common/config/load.ts";
import { gatewayConfig } from "../../gateway/config.ts";
import { qrngBridge } from "../../operator/bridge/schema.ts";
import { buildCollectorConfig } from "../../operator/build/collectorConfig.ts";
import { programDefaults } from "../../operator/build/configValues.ts";
import { buildGatewayConfig } from "../../operator/build/gatewayConfig.ts";
import {
  anySpec,
  bridgeInput,
  collectorFacts,
  fullSpec,
  gatewayFacts,
  makeBridge,
} from "./bridges.ts";

const golden = (name: string): string => join(import.meta.dirname, "golden", name);

describe("as files", () => {
  test("the smallest bridge leaves everything to the programs", async () => {
    const bridge = makeBridge();
    await expect(stringify(buildCollectorConfig(bridge, collectorFacts))).toMatchFileSnapshot(
      golden("smallest-collector.yaml"),
    );
    await expect(stringify(buildGatewayConfig(bridge, gatewayFacts))).toMatchFileSnapshot(
      golden("smallest-gateway.yaml"),
    );
  });

  test("a bridge with every field", async () => {
    const bridge = makeBridge(fullSpec);
    await expect(stringify(buildCollectorConfig(bridge, collectorFacts))).toMatchFileSnapshot(
      golden("full-collector.yaml"),
    );
    await expect(stringify(buildGatewayConfig(bridge, gatewayFacts))).toMatchFileSnapshot(
      golden("full-gateway.yaml"),
    );
  });

  test("Direct", async () => {
    const { sources, gateway: { push: _, ...gateway } = {} } = fullSpec;
    const bridge = makeBridge({ topology: "Direct", sources, gateway });
    await expect(stringify(buildGatewayConfig(bridge, gatewayFacts))).toMatchFileSnapshot(
      golden("direct-gateway.yaml"),
    );
  });
});

test("every bridge that is accepted gives configs that the programs accept", () => {
  let accepted = 0;
  fc.assert(
    fc.property(anySpec, (spec) => {
      const { data: bridge } = qrngBridge.safeParse(bridgeInput(spec));
      if (bridge === undefined) return;
      accepted++;
      const gateway = stringify(buildGatewayConfig(bridge, gatewayFacts));
      parseConfig(gatewayConfig, gateway, "gateway.yaml");
      if (bridge.spec.topology === "Direct") return;
      const collector = stringify(buildCollectorConfig(bridge, collectorFacts));
      parseConfig(collectorConfig, collector, "collector.yaml");
    }),
    { numRuns: 1000 },
  );
  expect(accepted).toBeGreaterThan(100); // else this shows nothing
});

test("what is left out is fitted into small buffers", () => {
  const bridge = makeBridge({ collector: { bufferBytes: 4096 }, gateway: { bufferBytes: 2048 } });
  const collector = buildCollectorConfig(bridge, collectorFacts);
  expect(collector.sources?.[0]?.fetch_chunk_size).toBe(4096);
  expect(collector.push?.packet_size).toBe(2048);
  const gateway = buildGatewayConfig(bridge, gatewayFacts);
  expect(gateway.max_request_bytes).toBe(2048);
  expect(gateway.push?.max_packet_size).toBe(2048);
});

test("the defaults that builders know are those of the programs", () => {
  const bridge = makeBridge();
  const collector = collectorConfig.parse(buildCollectorConfig(bridge, collectorFacts));
  const gateway = gatewayConfig.parse(buildGatewayConfig(bridge, gatewayFacts));
  expect(programDefaults).toEqual({
    fetchChunkSize: collector.fetch_chunk_size,
    packetSize: collector.push.packet_size,
    maxPacketSize: gateway.push.max_packet_size,
    maxRequestBytes: gateway.max_request_bytes,
  });
});

test("only a bridge with a simulated source makes a simulated gateway", () => {
  const lab = fullSpec.sources[0]!;
  const build = (...sources: (typeof lab)[]) =>
    buildGatewayConfig(makeBridge({ sources }), gatewayFacts).simulated;
  expect(build(lab)).toBeUndefined();
  expect(build(lab, { ...lab, name: "bench", simulated: true })).toBe(true);
});
