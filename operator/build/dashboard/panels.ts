import type { Panel, Unplaced } from "./schema.ts";

/** A panel that has no place yet. */
export interface Placeable {
  /** Of the 24 columns. */
  readonly width: number;
  /** Rows of 30 pixels. */
  readonly height: number;
  readonly panel: Unplaced<Panel>;
}

/** PromQL by the series' names in the legend, in which `{{pod}}` stands for a label. */
type Queries = Readonly<Record<string, string>>;

interface Shown {
  readonly title: string;
  /** What it means, and what is normal. */
  readonly description: string;
  readonly queries: Queries;
}

/** Selects the bridge's series: the dashboard has these two as constants. */
export const bridge = 'namespace="$namespace",bridge="$bridge"';

const datasource = { type: "prometheus", uid: "${datasource}" };
const legend = { displayMode: "list", placement: "bottom", showLegend: true, calcs: [] } as const;

type Common = Pick<Unplaced<Panel>, "title" | "description" | "datasource" | "targets">;

const common = ({ title, description, queries }: Shown): Common => ({
  title,
  description,
  datasource,
  targets: Object.entries(queries).map(([legendFormat, expr], index) => ({
    refId: String.fromCodePoint(65 + index),
    datasource,
    expr,
    legendFormat,
  })),
});

/** Lines over time. @param unit one of Grafana's: `bytes`, `Bps`, `s`, `percentunit`, … */
export function graph({ unit, ...shown }: Shown & { readonly unit: string }): Placeable {
  return {
    width: 8,
    height: 8,
    panel: {
      ...common(shown),
      type: "timeseries",
      options: { legend, tooltip: { mode: "multi", sort: "desc" } },
      fieldConfig: {
        defaults: { unit, custom: { drawStyle: "line", fillOpacity: 10, showPoints: "never" } },
        overrides: [],
      },
    },
  };
}

type Color = "green" | "orange" | "red";
/** The colour of this value and above, until the next; the first has no lower end. */
type Step = readonly [from: number, color: Color];

interface NumberShown extends Shown {
  readonly unit: string;
  readonly steps: readonly [Step, ...Step[]];
}

/** One number, on the colour of its step. */
export function number({ unit, steps, ...shown }: NumberShown): Placeable {
  return single(shown, {
    unit,
    thresholds: {
      mode: "absolute",
      steps: steps.map(([from, color], index) => ({ value: index === 0 ? null : from, color })),
    },
  });
}

const spoken = (names: Readonly<Record<string, readonly [text: string, color: Color]>>) => ({
  type: "value" as const,
  options: Object.fromEntries(
    Object.entries(names).map(([value, [text, color]]) => [value, { text, color }]),
  ),
});

/** What the values of a state are called. */
const states = {
  condition: spoken({ "1": ["True", "green"], "0": ["False", "red"], "-1": ["Unknown", "orange"] }),
  good: spoken({ "1": ["yes", "green"], "0": ["no", "red"] }),
  bad: spoken({ "1": ["yes", "red"], "0": ["no", "green"] }),
} as const;

interface StateShown extends Shown {
  /** `good` where 1 is. */
  readonly values: keyof typeof states;
}

/** One state. */
export function state({ values, ...shown }: StateShown): Placeable {
  return single(shown, { mappings: [states[values]] });
}

/** States over time. */
export function timeline({ values, ...shown }: StateShown): Placeable {
  return {
    width: 8,
    height: 8,
    panel: {
      ...common(shown),
      type: "state-timeline",
      options: {
        showValue: "auto",
        rowHeight: 0.9,
        mergeValues: true,
        legend: { ...legend, showLegend: false },
        tooltip: { mode: "single", sort: "none" },
      },
      fieldConfig: {
        defaults: { custom: { fillOpacity: 70 }, mappings: [states[values]] },
        overrides: [],
      },
    },
  };
}

type Defaults = Extract<Panel, { type: "stat" }>["fieldConfig"]["defaults"];

function single(shown: Shown, defaults: Defaults): Placeable {
  return {
    width: 4,
    height: 4,
    panel: {
      ...common(shown),
      type: "stat",
      options: {
        graphMode: "none",
        colorMode: "background",
        justifyMode: "auto",
        textMode: "value",
        wideLayout: true,
        showPercentChange: false,
        percentChangeColorMode: "standard",
        orientation: "auto",
        reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false },
      },
      fieldConfig: { defaults: { noValue: "not known", ...defaults }, overrides: [] },
    },
  };
}
