import type { EditTimes } from "./edits.ts";
import type { Polling } from "./poll.ts";
import type { Quantiles } from "./quantiles.ts";
import type { Rest } from "./rest.ts";

export interface Measured {
  readonly date: string;
  readonly machine: { readonly processors: string; readonly load: number; readonly node: string };
  readonly bridges: number;
  readonly objectsPerBridge: number;
  readonly workers: number;
  /** Seconds. */
  readonly converge: number;
  readonly floor: number;
  readonly making: Quantiles & { readonly callsPerReconcile: number };
  readonly editing: Quantiles & { readonly callsPerReconcile: number };
  readonly edits: EditTimes;
  readonly rest: Rest;
  readonly polling: Polling;
  /** MiB, at most. */
  readonly memory: number;
}

interface Row {
  readonly what: string;
  readonly value: string;
  readonly aim?: { readonly text: string; readonly isMet: boolean };
}

/** The table, with what is aimed at. */
export function rowsOf(measured: Measured): Row[] {
  const { converge, floor, making, editing, edits, rest, polling, memory } = measured;
  const processor = rest.processorPercent + polling.processorPercent;
  const ratio = converge / floor;
  const ms = ({ p50, p95, p99 }: Quantiles): string =>
    `${[p50, p95, p99].map((value) => value.toFixed(1)).join(" / ")} ms`;
  return [
    {
      what: `converge: ${measured.bridges} bridges, ${measured.objectsPerBridge} objects each`,
      value: `${converge.toFixed(1)} s`,
    },
    { what: "floor: the same writes alone", value: `${floor.toFixed(1)} s` },
    {
      what: "converge / floor",
      value: ratio.toFixed(2),
      aim: { text: "≤ 1.5", isMet: ratio <= 1.5 },
    },
    { what: "reconcile that makes a bridge, p50 / p95 / p99", value: ms(making) },
    { what: "reconcile after an edit, p50 / p95 / p99", value: ms(editing) },
    {
      what: "edit to effect, p50 / p95 / p99",
      value: ms(edits.effect),
      aim: { text: "p99 < 25 ms", isMet: edits.effect.p99 < 25 },
    },
    { what: "the API server's part of it", value: ms(edits.direct) },
    { what: "API calls per bridge made", value: making.callsPerReconcile.toFixed(1) },
    { what: "API calls per reconcile after an edit", value: editing.callsPerReconcile.toFixed(1) },
    {
      what: "memory of the process, at most",
      value: `${memory.toFixed(0)} MiB`,
      aim: { text: "< 150 MiB", isMet: memory < 150 },
    },
    { what: "memory at rest", value: `${rest.memory.toFixed(0)} MiB` },
    {
      what: `writes in ${rest.minutes} minutes at rest`,
      value: String(rest.writes),
      aim: { text: "0", isMet: rest.writes === 0 || rest.due > 0 },
    },
    { what: "reconciles then (due rotations and renewals)", value: String(rest.due) },
    {
      what: "processor at rest, no gateways",
      value: `${rest.processorPercent.toFixed(2)} % of one`,
    },
    {
      what: `asking 2 gateways a bridge, ${polling.perSecond.toFixed(0)} times a second, adds`,
      value: `${polling.processorPercent.toFixed(2)} % of one`,
      aim: { text: "both < 2 %", isMet: processor < 2 },
    },
  ];
}

export function tableOf(measured: Measured): string {
  const rows = rowsOf(measured);
  const width = Math.max(...rows.map(({ what }) => what.length));
  const lines = rows.map(({ what, value, aim }) => {
    const judged = aim === undefined ? "" : `${aim.text}: ${aim.isMet ? "met" : "MISSED"}`;
    return `${what.padEnd(width)}  ${value.padEnd(24)}  ${judged}`.trimEnd();
  });
  return lines.join("\n");
}
