import { ApiError } from "./api.js";
import { count } from "./format.js";
import { byId, setText } from "./page.js";

/** @import { Api } from "./api.js" */

/** The form that draws bytes and shows them until they are cleared. */
export class DrawForm {
  #result = byId("draw-result", HTMLTextAreaElement);
  #message = byId("draw-message", HTMLElement);
  /** @type {Api | undefined} */
  #api;
  #running = new AbortController();

  constructor() {
    byId("draw-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#draw();
    });
    byId("draw-copy", HTMLButtonElement).addEventListener("click", () => void this.#copy());
    byId("draw-clear", HTMLButtonElement).addEventListener("click", () => {
      this.clear();
      setText(this.#message, "Cleared.");
    });
    // Not in a page that is kept for the way back.
    addEventListener("pagehide", () => this.clear());
    this.clear();
  }

  /** @param {Api} api */
  connect(api) {
    this.#api = api;
  }

  disconnect() {
    this.#api = undefined;
    this.clear();
  }

  clear() {
    this.#running.abort();
    this.#result.value = "";
    setText(this.#message, "");
  }

  async #draw() {
    if (this.#api === undefined) return;
    this.clear();
    this.#running = new AbortController();
    const { signal } = this.#running;
    const bytes = byId("draw-bytes", HTMLInputElement).valueAsNumber;
    const encoding = byId("draw-encoding", HTMLSelectElement).value;
    try {
      this.#result.value = await this.#api.randomText(bytes, encoding, signal);
      setText(this.#message, `${count(bytes)} bytes drawn, as ${encoding}.`);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      setText(this.#message, error.message);
    }
  }

  async #copy() {
    const text = this.#result.value;
    if (text === "") {
      setText(this.#message, "Nothing to copy.");
      return;
    }
    try {
      // Missing where the page came over plain HTTP from another machine.
      await navigator.clipboard.writeText(text);
      setText(this.#message, "Copied.");
    } catch {
      this.#result.select();
      this.#result.focus();
      setText(this.#message, "Selected: copy it with the keyboard.");
    }
  }
}
