import type * as sdk from "@grafana/grafana-foundation-sdk/dashboard";
import type { Dataquery } from "@grafana/grafana-foundation-sdk/prometheus";
import type * as stat from "@grafana/grafana-foundation-sdk/stat";
import type * as stateTimeline from "@grafana/grafana-foundation-sdk/statetimeline";
import type * as timeSeries from "@grafana/grafana-foundation-sdk/timeseries";

/**
 * Grafana's own types, which it generates from its schemas, as plain data: the names of an enum's
 * values instead of the enum, without what is there for the SDK's builders alone.
 */
type Plain<T> = 0 extends 1 & T // any
  ? unknown
  : T extends string
    ? `${T}`
    : T extends number | boolean | null | undefined
      ? T
      : T extends readonly (infer Item)[]
        ? readonly Plain<Item>[]
        : { readonly [Key in keyof T as Key extends `_${string}` ? never : Key]: Plain<T[Key]> };

type Open = "type" | "targets" | "options" | "fieldConfig";
type FieldConfig = Plain<sdk.FieldConfigSource>;

/** The schema's Panel says nothing of what a type of panel has: that has schemas of its own. */
type PanelOf<Type extends string, Options, Custom> = Omit<Plain<sdk.Panel>, Open> & {
  readonly type: Type;
  readonly targets: readonly Plain<Dataquery>[];
  readonly options: Plain<Options>;
  readonly fieldConfig: Omit<FieldConfig, "defaults"> & {
    readonly defaults: Omit<FieldConfig["defaults"], "custom"> & {
      readonly custom?: Plain<Custom>;
    };
  };
};

export type Panel =
  | PanelOf<"timeseries", timeSeries.Options, timeSeries.FieldConfig>
  | PanelOf<"state-timeline", stateTimeline.Options, stateTimeline.FieldConfig>
  | PanelOf<"stat", stat.Options, never>;

/** Without what its place in the dashboard gives it. */
export type Unplaced<Any> = Any extends Panel ? Omit<Any, "id" | "gridPos"> : never;

export type Row = Plain<sdk.RowPanel>;

export type Dashboard = Omit<Plain<sdk.Dashboard>, "panels"> & {
  readonly panels: readonly (Panel | Row)[];
};
