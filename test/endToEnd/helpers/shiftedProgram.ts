import { globSync } from "node:fs";

/** How a program's process is started with its clock off. */
export interface Shifted {
  readonly env: Readonly<Record<string, string>>;
  readonly entry?: string;
}

const [library] = globSync("/usr/lib/*/faketime/libfaketime.so.1");

/**
 * Where Debian's libfaketime is, the program's own main.ts runs under a false clock; elsewhere a
 * fixture hands a shifted clock to what main.ts starts.
 */
export function shiftedProgram(program: "collector" | "gateway", seconds: number): Shifted {
  if (seconds === 0) return { env: {} };
  if (library === undefined) {
    const entry = { collector: "shiftedCollector.ts", gateway: "shiftedGateway.ts" }[program];
    return {
      entry: `../../fixtures/endToEnd/${entry}`,
      env: { QRNG_TEST_CLOCK_SHIFT: String(seconds) },
    };
  }
  const shift = `${seconds < 0 ? "" : "+"}${seconds}s`;
  return { env: { LD_PRELOAD: library, FAKETIME: shift, DONT_FAKE_MONOTONIC: "1" } };
}
