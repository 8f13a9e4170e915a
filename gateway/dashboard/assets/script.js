import { Api, ApiError } from "./api.js";
import { createCharts } from "./charts.js";
import { DrawForm } from "./draw.js";
import { Health } from "./health.js";
import { History } from "./history.js";
import { forgetKey, keyProblem, rememberedKey, rememberKey } from "./key.js";
import { announce, byId, setText } from "./page.js";
import { PiPicture } from "./pi.js";
import { repeat } from "./repeat.js";

const hiddenMilliseconds = 15_000;

const entrance = byId("entrance", HTMLElement);
const panels = byId("panels", HTMLElement);
const forget = byId("forget", HTMLButtonElement);
const keyInput = byId("key", HTMLInputElement);
const keyError = byId("key-error", HTMLElement);

const health = new Health();
const pi = new PiPicture();
const draw = new DrawForm();
/** @type {ReturnType<typeof createCharts> | undefined} made when there is a width to fill */
let charts;
let stopPolling = () => {};
let entering = new AbortController();

byId("key-form", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  void enter(keyInput.value.trim());
});
forget.addEventListener("click", () => {
  leave();
  announce("The key is forgotten.");
});

const remembered = rememberedKey();
if (remembered === undefined) leave();
else open(remembered);

/**
 * Tries a key, and remembers it when it is right.
 * @param {string} key
 */
async function enter(key) {
  entering.abort();
  entering = new AbortController();
  const { signal } = entering;
  const problem = keyProblem(key);
  if (problem !== undefined) {
    refuse(problem);
    return;
  }
  try {
    await new Api(key).status(signal);
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof ApiError)) throw error;
    refuse(error.message);
    return;
  }
  rememberKey(key);
  open(key);
  byId("health-title", HTMLElement).focus();
}

/** @param {string} problem */
function refuse(problem) {
  setText(keyError, ""); // so that the same words are said again
  setText(keyError, problem);
  keyInput.setAttribute("aria-invalid", "true");
  keyInput.focus();
  keyInput.select();
}

/** @param {string} key */
function open(key) {
  const api = new Api(key);
  const history = new History();
  setText(keyError, "");
  keyInput.value = "";
  keyInput.removeAttribute("aria-invalid");
  entrance.hidden = true;
  panels.hidden = false;
  forget.hidden = false;
  pi.connect(api);
  draw.connect(api);
  charts ??= createCharts();
  const { draw: drawCharts } = charts;
  drawCharts([], now());
  stopPolling = repeat(
    async (signal) => {
      const status = await api.status(signal);
      history.add(status, now());
      health.show(status);
      drawCharts(history.readings(), now());
    },
    {
      hiddenMilliseconds,
      onError: (error, pause) => {
        if (error.status === 401 || error.status === 403) {
          leave();
          refuse(error.message);
          return;
        }
        if (error.status !== 429) history.break(now());
        health.showLost(error.message, pause);
        drawCharts(history.readings(), now());
      },
    },
  );
}

/** Forgets the key and everything that came with it. */
function leave() {
  stopPolling();
  forgetKey();
  health.clear();
  pi.disconnect();
  draw.disconnect();
  panels.hidden = true;
  forget.hidden = true;
  entrance.hidden = false;
  keyInput.focus();
}

/** Seconds. */
function now() {
  return Date.now() / 1000;
}
