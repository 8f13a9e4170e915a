export interface SoakOptions {
  /** How long it is to be under load. */
  readonly milliseconds: number;
  /** Writes a line of progress. */
  readonly say: (line: string) => void;
}

export interface SoakResult {
  /** A table of what was measured. */
  readonly rows: readonly (readonly [what: string, value: string])[];
  /** What must not be; none when all is well. */
  readonly problems: readonly string[];
}

/** One program under full load for a while. It throws only when it cannot be run at all. */
export type SoakPart = (options: SoakOptions) => Promise<SoakResult>;
