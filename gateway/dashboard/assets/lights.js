import { count, duration, percent } from "./format.js";

/** @import { Status } from "../../status.ts" */
/** @import { State } from "./page.js" */

/** @typedef {{ name: string, state: State, text: string }} Light */

/**
 * A warning begins with its name: "stale: nothing has come in for 70 seconds".
 * @param {string} warning
 */
export function splitWarning(warning) {
  const colon = warning.indexOf(":");
  if (colon === -1) return { name: warning, text: "" };
  return { name: warning.slice(0, colon), text: warning.slice(colon + 1).trim() };
}

/**
 * A light for each thing that may be wrong.
 * @param {Status} status
 * @returns {Light[]}
 */
export function lightsOf(status) {
  const warnings = new Set(status.warnings.map((warning) => splitWarning(warning).name));
  return [
    { name: "Gateway", ...gatewayLight(status, warnings) },
    { name: "Buffer", ...bufferLight(status, warnings) },
    { name: "Freshness", ...freshnessLight(status, warnings) },
    { name: "Source", ...sourceLight(status, warnings) },
    { name: "Quality tests", ...qualityLight(status) },
  ];
}

/**
 * @param {Status} status
 * @param {ReadonlySet<string>} warnings
 * @returns {{ state: State, text: string }}
 */
function gatewayLight({ status }, warnings) {
  /** @type {Record<string, State>} */
  const states = { healthy: "ok", degraded: "warning", unhealthy: "failing" };
  const text = warnings.has("draining") ? `${status}, shutting down` : status;
  return { state: states[status] ?? "unknown", text };
}

/**
 * @param {Status} status
 * @param {ReadonlySet<string>} warnings
 * @returns {{ state: State, text: string }}
 */
function bufferLight(status, warnings) {
  const text = `${percent(status.buffer_fill_percent)} full`;
  if (status.buffer_bytes_available === 0) return { state: "failing", text: "empty" };
  return { state: warnings.has("low") ? "warning" : "ok", text };
}

/**
 * @param {Status} status
 * @param {ReadonlySet<string>} warnings
 * @returns {{ state: State, text: string }}
 */
function freshnessLight({ data_freshness_seconds: age }, warnings) {
  if (age === null) return { state: "failing", text: "nothing has come in yet" };
  const text = `bytes came in ${duration(age)} ago`;
  return { state: warnings.has("stale") ? "warning" : "ok", text };
}

/**
 * @param {Status} status
 * @param {ReadonlySet<string>} warnings
 * @returns {{ state: State, text: string }}
 */
function sourceLight({ simulated }, warnings) {
  if (warnings.has("quarantine")) return { state: "failing", text: "cut off by a health test" };
  if (warnings.has("source")) return { state: "failing", text: "gives no bytes" };
  if (simulated) return { state: "warning", text: "simulated, no hardware" };
  return { state: "ok", text: "not simulated" };
}

/**
 * @param {Status} status
 * @returns {{ state: State, text: string }}
 */
function qualityLight({ quality }) {
  const { alarm, blocks_tested: tested, window_blocks: latest, failed_blocks: failed } = quality;
  if (alarm !== null) return { state: "failing", text: `alarm: ${alarm}` };
  if (tested === 0) return { state: "unknown", text: "no block tested yet" };
  return { state: "ok", text: `${count(failed)} of ${count(latest)} blocks failed` };
}
