import type { Rules } from "./rule.ts";
import type { BridgeSpec } from "./spec.ts";

/**
 * What has to fit together on the bytes' way. Only what is given is compared: builders fit what is
 * left out into the buffers.
 */
export const flowRules = {
  tlsThroughProxy: {
    path: ["sources"],
    cel:
      "!has(self.collector) || !has(self.collector.proxy) || " +
      "self.sources.all(s, s.url.startsWith('https:'))",
    holds: ({ collector, sources }) =>
      collector?.proxy === undefined || sources.every(({ url }) => url.startsWith("https:")),
    message: "collector.proxy leads TLS through: every source's url must be https",
  },
  xorSources: {
    path: ["mixing"],
    cel: "!has(self.mixing) || self.mixing.strategy != 'Xor' || size(self.sources) >= 2",
    holds: ({ mixing, sources }) => mixing?.strategy !== "Xor" || sources.length >= 2,
    message: "strategy Xor needs at least two sources; add one, or use None or Hash",
  },
  minSources: {
    path: ["mixing"],
    cel:
      "!has(self.mixing) || !has(self.mixing.minSources) || " +
      "(self.mixing.strategy != 'None' && self.mixing.minSources <= size(self.sources))",
    holds: ({ mixing, sources }) =>
      mixing?.minSources === undefined ||
      (mixing.strategy !== "None" && mixing.minSources <= sources.length),
    message: "minSources goes with Xor and Hash, and must not be above the number of sources",
  },
  chunkInCollector: {
    path: ["sources"],
    cel:
      "!has(self.collector) || !has(self.collector.bufferBytes) || " +
      "self.sources.all(s, !has(s.chunkBytes) || s.chunkBytes <= self.collector.bufferBytes)",
    holds: ({ collector, sources }) =>
      sources.every(({ chunkBytes = 0 }) => chunkBytes <= (collector?.bufferBytes ?? Infinity)),
    message: "chunkBytes must not be above collector.bufferBytes",
  },
  chunkInGateway: {
    path: ["sources"],
    cel:
      "self.topology != 'Direct' || !has(self.gateway.bufferBytes) || " +
      "self.sources.all(s, !has(s.chunkBytes) || s.chunkBytes <= self.gateway.bufferBytes)",
    holds: ({ topology, gateway: { bufferBytes = Infinity }, sources }) =>
      topology !== "Direct" || sources.every(({ chunkBytes = 0 }) => chunkBytes <= bufferBytes),
    message: "with topology Direct chunkBytes must not be above gateway.bufferBytes",
  },
  packetInCollector: {
    path: ["collector", "packetBytes"],
    cel:
      "!has(self.collector) || !has(self.collector.packetBytes) || " +
      "!has(self.collector.bufferBytes) || " +
      "self.collector.packetBytes <= self.collector.bufferBytes",
    holds: ({ collector: { packetBytes = 0, bufferBytes = Infinity } = {} }) =>
      packetBytes <= bufferBytes,
    message: "must not be above collector.bufferBytes",
  },
  packetInGateway: {
    path: ["collector", "packetBytes"],
    cel:
      "!has(self.collector) || !has(self.collector.packetBytes) || " +
      "!has(self.gateway.bufferBytes) || self.collector.packetBytes <= self.gateway.bufferBytes",
    holds: ({ collector, gateway: { bufferBytes = Infinity } }) =>
      (collector?.packetBytes ?? 0) <= bufferBytes,
    message: "must not be above gateway.bufferBytes",
  },
} satisfies Rules<BridgeSpec>;
