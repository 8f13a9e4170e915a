import { count, decimal, percent, rate, short } from "./format.js";
import { minuteMeans, span } from "./history.js";
import { byId, make, setText } from "./page.js";
import uPlot from "./uplot.js";

/** @import { Reading } from "./history.js" */

/**
 * @typedef {object} Line
 * @property {string} label
 * @property {"fill" | "requests" | "bytesOut" | "bytesIn"} field
 * @property {string} color a custom property of style.css
 * @property {string} [area] the same, for what is below the line
 * @property {number[]} [dash]
 */

/**
 * @typedef {object} Chart
 * @property {string} id what its elements' ids begin with
 * @property {string} name
 * @property {readonly Line[]} lines
 * @property {(value: number) => string} format
 * @property {(value: number) => string} [tick] shorter, for the axis
 * @property {(most: number) => number} top of the scale, for the largest value
 * @property {number} [base] ticks at multiples of powers of it
 */

/** @type {readonly Chart[]} */
const charts = [
  {
    id: "fill",
    name: "Buffer fill",
    lines: [{ label: "", field: "fill", color: "--first", area: "--first-area" }],
    format: percent,
    top: () => 100,
  },
  {
    id: "requests",
    name: "Requests served a second",
    lines: [{ label: "", field: "requests", color: "--first", area: "--first-area" }],
    format: (value) => `${decimal(value)}/s`,
    tick: short,
    top: (most) => Math.max(2, most * 1.1),
  },
  {
    id: "bytes",
    name: "Bytes a second",
    lines: [
      { label: "out", field: "bytesOut", color: "--first" },
      { label: "in", field: "bytesIn", color: "--second", dash: [5, 3] },
    ],
    format: rate,
    top: (most) => Math.max(1024, most * 1.1),
    base: 2,
  },
];

/** Powers of two, so that ticks fall on whole KiB and MiB. */
const binarySteps = Array.from({ length: 48 }, (_, power) => 2 ** power);

/**
 * Draws the charts into the page.
 * @returns {{ draw: (readings: readonly Reading[], now: number) => void }} draws anew; `now` in
 *   seconds
 */
export function createCharts() {
  const drawn = charts.map((chart) => createChart(chart));
  const details = byId("minutes", HTMLDetailsElement);
  /** @type {{ readings: readonly Reading[], now: number }} */
  let last = { readings: [], now: 0 };
  const drawTable = () => {
    if (details.open) showMinutes(last.readings, last.now);
  };
  details.addEventListener("toggle", drawTable);
  return {
    draw: (readings, now) => {
      last = { readings, now };
      for (const draw of drawn) draw(readings, now);
      drawTable();
    },
  };
}

/** @param {Chart} chart */
function createChart(chart) {
  const { id, lines } = chart;
  const frame = byId(`${id}-chart`, HTMLElement);
  const readout = byId(`${id}-readout`, HTMLElement);
  const plot = new uPlot(
    optionsOf(chart, () => showReadout()),
    emptyData(chart),
    frame,
  );

  const showReadout = () => {
    const [ages, ...columns] = plot.data;
    const index = plot.cursor.idx ?? ages.length - 1;
    const values = lines.map(({ label }, line) => {
      const value = columns[line]?.[index];
      return `${label} ${value === null || value === undefined ? "not known" : chart.format(value)}`;
    });
    const age = plot.cursor.idx === null || plot.cursor.idx === undefined ? 0 : ages[index];
    const when = age ? `${Math.round(-age)} s ago` : "Now";
    setText(readout, ages.length === 0 ? "" : `${when}: ${values.join(", ").trim()}`);
  };
  const resize = () => {
    const { clientWidth: width, clientHeight: height } = frame;
    if (width > 0 && height > 0) plot.setSize({ width, height });
  };
  new ResizeObserver(resize).observe(frame);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot.redraw(false));

  /**
   * @param {readonly Reading[]} readings
   * @param {number} now
   */
  return (readings, now) => {
    const columns = lines.map(({ field }) => readings.map((reading) => reading[field]));
    plot.setData([readings.map(({ at }) => at - now), ...columns]);
    showReadout();
    frame.setAttribute("aria-label", describe(chart, columns));
  };
}

/**
 * @param {Chart} chart
 * @returns {uPlot.AlignedData}
 */
function emptyData({ lines }) {
  return [[], ...lines.map(() => [])];
}

/**
 * @param {Chart} chart
 * @param {() => void} onCursor
 * @returns {uPlot.Options}
 */
function optionsOf({ lines, format, tick = format, top, base }, onCursor) {
  const axis = {
    stroke: () => color("--quiet"),
    grid: { stroke: () => color("--grid"), width: 1 },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
  };
  return {
    width: 320,
    height: 200,
    padding: [8, 12, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    scales: {
      x: { time: false, range: [-span, 0] },
      y: { range: (_plot, _least, most) => [0, top(most ?? 0)] },
    },
    axes: [
      {
        ...axis,
        size: 32,
        gap: 9,
        splits: ({ width }) => (width < 340 ? [-600, -300, 0] : [-600, -480, -360, -240, -120, 0]),
        values: (_plot, ages) => ages.map((age) => (age === 0 ? "now" : `−${-age / 60} min`)),
      },
      {
        ...axis,
        size: 66,
        space: 36,
        ...(base === 2 ? { incrs: binarySteps } : {}),
        values: (_plot, values) => values.map((value) => tick(value)),
      },
    ],
    series: [
      {},
      ...lines.map(({ label, color: name, area, dash }) => ({
        label,
        stroke: () => color(name),
        width: 2,
        points: { show: false },
        ...(area === undefined ? {} : { fill: () => color(area) }),
        ...(dash === undefined ? {} : { dash }),
      })),
    ],
    hooks: { setCursor: [onCursor] },
  };
}

/** @param {string} name */
function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name);
}

/**
 * The chart in words, for those who do not see it.
 * @param {Chart} chart
 * @param {readonly (readonly (number | null)[])[]} columns
 */
function describe({ name, lines, format }, columns) {
  const parts = lines.map(({ label }, line) => {
    const values = (columns[line] ?? []).filter((value) => value !== null);
    const now = columns[line]?.at(-1);
    if (now === undefined || now === null) return `${label} not known now`;
    const [least, most] = [Math.min(...values), Math.max(...values)].map(format);
    return `${label} now ${format(now)}, between ${least} and ${most}`;
  });
  return `${name}, last ten minutes: ${parts.map((part) => part.trim()).join("; ")}`;
}

/**
 * @param {readonly Reading[]} readings
 * @param {number} now
 */
function showMinutes(readings, now) {
  /**
   * @param {number | null} value
   * @param {(value: number) => string} format
   */
  const cell = (value, format) => make("td", value === null ? "–" : format(value));
  byId("minute-rows", HTMLElement).replaceChildren(
    ...minuteMeans(readings, now).map((minute) => {
      const heading = make("th", `${minute.minutesAgo - 1} to ${minute.minutesAgo}`);
      heading.scope = "row";
      return make(
        "tr",
        heading,
        cell(minute.fill, decimal),
        cell(minute.requests, decimal),
        cell(minute.bytesOut, count),
        cell(minute.bytesIn, count),
      );
    }),
  );
}
