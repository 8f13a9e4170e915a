import { count, decimal, duration, percent, rate, size } from "./format.js";
import { announce, byId, make, setFacts, setText, shape } from "./page.js";

/** @import { Status } from "../../status.ts" */
/** @import { State } from "./page.js" */

/** @typedef {{ name: string, state: State, text: string }} Light */

/** @type {Record<State, string>} */
const words = { ok: "OK", warning: "Warning", failing: "Failing", unknown: "Unknown" };

/** Shows what the gateway says of itself. */
export class Health {
  #announced = "";
  /** @type {readonly Light[]} */
  #lights = [];

  /** @param {Status} status */
  show(status) {
    const warnings = status.warnings.map(splitWarning);
    byId("simulated", HTMLElement).hidden = !status.simulated;
    this.#lights = lightsOf(status, new Set(warnings.map(({ name }) => name)));
    showLights(this.#lights);
    showWarnings(warnings.filter(({ name }) => name !== "simulated")); // the banner says it
    setFacts(byId("facts", HTMLElement), factsOf(status));
    showConnection("Read each second", false);
    document.title = `${status.status} · QRNG Bridge`;
    // By name: a warning's text counts seconds.
    const names = warnings.map(({ name }) => name).join(", ");
    this.#announce(`Gateway ${status.status}${names === "" ? "" : `; warnings: ${names}`}`);
  }

  /**
   * The last answer stays, and each light says that it is not known any more.
   * @param {string} problem
   * @param {number} pause milliseconds until the next try
   */
  showLost(problem, pause) {
    showLights(
      this.#lights.map(({ name, text }) => ({ name, state: "unknown", text: `last: ${text}` })),
    );
    const wait = `next try in ${Math.ceil(pause / 1000)} s`;
    showConnection(`${problem} Shown is the last answer; ${wait}.`, true);
    document.title = "no answer · QRNG Bridge";
    this.#announce(problem);
  }

  clear() {
    this.#announced = "";
    this.#lights = [];
    byId("simulated", HTMLElement).hidden = true;
    for (const id of ["lights", "warnings", "facts"]) byId(id, HTMLElement).replaceChildren();
    showConnection("Connecting…", false);
    document.title = "QRNG Bridge";
  }

  /** @param {string} text */
  #announce(text) {
    if (text === this.#announced) return;
    this.#announced = text;
    announce(text);
  }
}

/**
 * @param {string} text
 * @param {boolean} isLost
 */
function showConnection(text, isLost) {
  const element = byId("connection", HTMLElement);
  setText(element, text);
  element.classList.toggle("error", isLost);
}

/**
 * A warning begins with its name: "stale: nothing has come in for 70 seconds".
 * @param {string} warning
 */
function splitWarning(warning) {
  const colon = warning.indexOf(":");
  if (colon === -1) return { name: warning, text: "" };
  return { name: warning.slice(0, colon), text: warning.slice(colon + 1).trim() };
}

/**
 * @param {Status} status
 * @param {ReadonlySet<string>} warnings names
 * @returns {Light[]}
 */
function lightsOf(status, warnings) {
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
  const refused = [...warnings].find((name) => name.includes("quarantine"));
  if (refused !== undefined) return { state: "failing", text: "cut off by a health test" };
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

/** @param {readonly Light[]} lights */
function showLights(lights) {
  const list = byId("lights", HTMLElement);
  lights.forEach(({ name, state, text }, index) => {
    const item = list.children[index] ?? list.appendChild(make("li"));
    if (item.getAttribute("data-state") !== state) {
      const body = make("div", make("strong", `${name}: ${words[state]}`), make("span"));
      item.setAttribute("data-state", state);
      item.replaceChildren(shape(state), body);
    }
    const detail = item.querySelector("span");
    if (detail !== null) setText(detail, text);
  });
}

/** @param {readonly { name: string, text: string }[]} warnings */
function showWarnings(warnings) {
  byId("warnings-block", HTMLElement).hidden = warnings.length === 0;
  const list = byId("warnings", HTMLElement);
  while (list.children.length > warnings.length) list.lastElementChild?.remove();
  warnings.forEach(({ name, text }, index) => {
    const item = list.children[index] ?? list.appendChild(make("li"));
    setText(item, text === "" ? name : `${name}: ${text}`);
  });
}

/** @param {string | null} time */
function timeOf(time) {
  return time === null ? "never" : new Date(time).toLocaleTimeString();
}

/**
 * @param {Status} status
 * @returns {(readonly [string, string])[]}
 */
function factsOf(status) {
  const { buffer_bytes_available: held, buffer_bytes_capacity: capacity } = status;
  const { last_data_received: last, oldest_data_age_seconds: oldest } = status;
  return [
    ["In the buffer", `${size(held)} of ${size(capacity)}`],
    ["Oldest of it came", oldest === null ? "–" : `${duration(oldest)} ago`],
    ["Last bytes came at", timeOf(last)],
    ["Bytes in", rate(status.bytes_in_per_second)],
    ["Bytes out", rate(status.bytes_out_per_second)],
    ["Requests", `${decimal(status.requests_per_second)}/s`],
    ["Waiting", count(status.waiting_requests)],
    ["Bytes received", size(status.total_bytes_received)],
    ["Bytes served", size(status.total_bytes_served)],
    ["Requests served", count(status.total_requests_served)],
    ["Up for", duration(status.uptime_seconds)],
    ["Conditioning", status.conditioning],
    ["Mode", status.deployment_mode],
    ["Version", status.version],
    ...status.last_pushes.map(
      ({ key_id, last_push }) =>
        /** @type {const} */ ([`Last push, key ${key_id}`, timeOf(last_push)]),
    ),
  ];
}
