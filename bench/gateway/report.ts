import type { Spread } from "./median.ts";

/** One line of the bench. */
export interface Row {
  readonly name: string;
  /** As people read it: with its unit. */
  readonly value: string;
  /** Against what it is compared with in the same run. */
  readonly ratio?: Spread;
  readonly against?: string;
  readonly aim?: { readonly text: string; readonly isMet: boolean };
}

export interface Report {
  readonly date: string;
  readonly machine: {
    readonly processors: string;
    readonly node: string;
    /** Load average when it began: what else the machine did. */
    readonly load: number;
  };
  readonly rows: readonly Row[];
}

export function ratioRow(
  name: string,
  value: string,
  against: string,
  ratio: Spread,
  aim: number | undefined,
): Row {
  const row = { name, value, against, ratio };
  if (aim === undefined) return row;
  return { ...row, aim: { text: `≥ ${aim}`, isMet: ratio.median >= aim } };
}

export function tableOf({ rows }: Report): string {
  const cells = rows.map((row) => [
    row.name,
    row.value,
    row.ratio === undefined
      ? ""
      : `${row.ratio.median.toFixed(2)} (${row.ratio.least.toFixed(2)} … ${row.ratio.most.toFixed(2)})`,
    row.against ?? "",
    row.aim === undefined ? "" : `${row.aim.text}: ${row.aim.isMet ? "met" : "MISSED"}`,
  ]);
  const head = ["work", "measured", "ratio", "to", "aim"];
  const widths = head.map((_, column) =>
    Math.max(...[head, ...cells].map((row) => row[column]!.length)),
  );
  return [head, ...cells]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** How much less of a ratio than was recorded counts as slower. */
export const tolerance = 0.15;

/** Rows whose ratio has fallen behind the recorded one, for people. */
export function fallenBehind(now: Report, recorded: Report): string[] {
  return now.rows.flatMap(({ name, ratio }) => {
    const before = recorded.rows.find((row) => row.name === name)?.ratio;
    if (ratio === undefined || before === undefined) return [];
    if (ratio.median >= before.median * (1 - tolerance)) return [];
    return [`${name}: ${ratio.median.toFixed(2)}, recorded ${before.median.toFixed(2)}`];
  });
}
