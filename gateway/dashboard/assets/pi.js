import { count } from "./format.js";
import { byId, setFacts, setText } from "./page.js";
import { repeat } from "./repeat.js";

/** @import { Api } from "./api.js" */

const bytesPerDraw = 240;
/** Three for each coordinate. */
const bytesPerPoint = 6;
const steps = 2 ** 24;
/** Of the canvas's 640 pixels. */
const dot = 5;

// Readable on the light and on the dark card, so that the picture outlives a change of theme.
const insideColor = "#3f83cc";
const outsideColor = "#c4702f";
const arcColor = "#808a96";

/** Points in a square, and how many of them fall within the quarter of a circle. */
export class PiPicture {
  #canvas = byId("pi-canvas", HTMLCanvasElement);
  #checkbox = byId("pi-on", HTMLInputElement);
  #message = byId("pi-message", HTMLElement);
  /** @type {Api | undefined} */
  #api;
  #stop = () => {};
  #points = 0;
  #inside = 0;

  constructor() {
    this.#checkbox.addEventListener("change", () => this.#toggle());
    byId("pi-reset", HTMLButtonElement).addEventListener("click", () => this.#reset());
    this.#reset();
  }

  /** @param {Api} api */
  connect(api) {
    this.#api = api;
  }

  disconnect() {
    this.#api = undefined;
    this.#checkbox.checked = false;
    this.#toggle();
    this.#reset();
  }

  #toggle() {
    const api = this.#api;
    this.#stop();
    this.#stop = () => {};
    setText(this.#message, "");
    if (api === undefined || !this.#checkbox.checked) return;
    this.#stop = repeat(
      async (signal) => {
        const bytes = await api.randomBytes(bytesPerDraw, signal);
        this.#add(bytes);
        bytes.fill(0);
        setText(this.#message, "");
      },
      {
        hiddenMilliseconds: Number.POSITIVE_INFINITY, // nobody looks: no bytes are spent
        onError: (error) => setText(this.#message, error.message),
      },
    );
  }

  #reset() {
    this.#points = 0;
    this.#inside = 0;
    const { width: side } = this.#canvas;
    const context = this.#context();
    context.clearRect(0, 0, side, side);
    context.strokeStyle = arcColor;
    context.lineWidth = 3;
    context.beginPath();
    context.arc(0, side, side, -Math.PI / 2, 0);
    context.stroke();
    this.#show();
  }

  #context() {
    const context = this.#canvas.getContext("2d");
    if (context === null) throw new Error("no canvas");
    return context;
  }

  /** @param {Uint8Array} bytes */
  #add(bytes) {
    const { width: side } = this.#canvas;
    const context = this.#context();
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let offset = 0; offset + bytesPerPoint <= bytes.length; offset += bytesPerPoint) {
      const x = coordinate(view, offset);
      const y = coordinate(view, offset + 3);
      const isInside = x * x + y * y < 1;
      this.#points += 1;
      if (isInside) this.#inside += 1;
      context.fillStyle = isInside ? insideColor : outsideColor;
      context.fillRect(x * side - dot / 2, (1 - y) * side - dot / 2, dot, dot);
    }
    this.#show();
  }

  #show() {
    const points = this.#points;
    const share = points === 0 ? 0 : this.#inside / points;
    const estimate = points === 0 ? "–" : (4 * share).toFixed(4);
    const error =
      points === 0 ? "–" : `± ${(4 * Math.sqrt((share * (1 - share)) / points)).toFixed(4)}`;
    setFacts(byId("pi-facts", HTMLElement), [
      ["Estimate of π", estimate],
      ["Standard error", error],
      ["Points", count(points)],
      ["Inside", count(this.#inside)],
    ]);
    this.#canvas.setAttribute(
      "aria-label",
      points === 0
        ? "No points yet"
        : `${count(points)} random points, ${count(this.#inside)} within the quarter circle: π is about ${estimate}`,
    );
  }
}

/**
 * The middle of one of 2²⁴ steps from 0 to 1.
 * @param {DataView} view
 * @param {number} offset
 */
function coordinate(view, offset) {
  return (view.getUint16(offset) * 256 + view.getUint8(offset + 2) + 0.5) / steps;
}
