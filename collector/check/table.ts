/** One thing that was looked at. */
export interface Finding {
  readonly what: string;
  readonly isOk: boolean;
  /** For people; holds no secret. */
  readonly says: string;
}

/** A line each, in columns; `FAIL` stands out where something has to be done. */
export function formatFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ what }) => what.length));
  const lines = findings.map(
    ({ what, isOk, says }) => `${isOk ? "ok  " : "FAIL"}  ${what.padEnd(width)}  ${says}`,
  );
  const failed = findings.filter(({ isOk }) => !isOk).length;
  const verdict = failed === 0 ? "all is well" : `${failed} of ${findings.length} failed`;
  return `${[...lines, verdict].join("\n")}\n`;
}

/** 2026-11-24, in UTC. */
export function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
