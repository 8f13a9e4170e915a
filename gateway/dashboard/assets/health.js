import { count, decimal, duration, rate, size } from "./format.js";
import { lightsOf, splitWarning } from "./lights.js";
import { announce, byId, make, setFacts, setText, shape } from "./page.js";

/** @import { Status } from "../../status.ts" */
/** @import { Light } from "./lights.js" */
/** @import { State } from "./page.js" */

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
    this.#lights = lightsOf(status);
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
