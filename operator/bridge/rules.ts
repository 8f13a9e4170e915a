import type { z } from "zod";
import type { BridgeSpec } from "./schema.ts";

type Report = (path: readonly (string | number)[], message: string) => void;

/** What a bridge's fields together are not allowed to say, as a zod check. */
export function checkBridge({ spec }: { spec: BridgeSpec }, context: z.RefinementCtx): void {
  const report: Report = (path, message) =>
    context.addIssue({ code: "custom", path: ["spec", ...path], message });
  checkNames(spec, report);
  checkTopology(spec, report);
  checkSizes(spec, report);
}

function checkNames({ sources }: BridgeSpec, report: Report): void {
  const seen = new Set<string>();
  for (const [index, { name }] of sources.entries()) {
    if (seen.has(name)) report(["sources", index, "name"], "another source has the same name");
    seen.add(name);
  }
}

/** A field that has no function in a topology is refused there, not ignored. */
function checkTopology({ topology, collector, gateway }: BridgeSpec, report: Report): void {
  if (topology !== "Direct") return;
  const why = "has no function with topology Direct; leave it out";
  if (collector !== undefined) report(["collector"], why);
  if (gateway.push !== undefined) report(["gateway", "push"], why);
}

/** Only what is given is compared: builders fit what is left out into the buffers. */
function checkSizes({ sources, collector = {}, gateway, topology }: BridgeSpec, report: Report) {
  const fits = (
    path: readonly (string | number)[],
    size: number | undefined,
    roomName: string,
    room: number | undefined,
  ): void => {
    if (size === undefined || room === undefined || size <= room) return;
    report(path, `must not be above ${roomName}, which is ${room}`);
  };
  const direct = topology === "Direct";
  for (const [index, { chunkBytes }] of sources.entries()) {
    const path = ["sources", index, "chunkBytes"];
    if (direct) fits(path, chunkBytes, "gateway.bufferBytes", gateway.bufferBytes);
    else fits(path, chunkBytes, "collector.bufferBytes", collector.bufferBytes);
  }
  const packetPath = ["collector", "packetBytes"];
  fits(packetPath, collector.packetBytes, "collector.bufferBytes", collector.bufferBytes);
  fits(packetPath, collector.packetBytes, "gateway.bufferBytes", gateway.bufferBytes);
  const requestPath = ["gateway", "maxRequestBytes"];
  fits(requestPath, gateway.maxRequestBytes, "bufferBytes", gateway.bufferBytes);
}
