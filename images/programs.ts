import { join } from "node:path";

export const root = join(import.meta.dirname, "..");

/** Files that a program reads at run time from beside its own code. */
interface Assets {
  /** A pattern, relative to the root. */
  readonly files: string;
  /** The folder where the program looks for them, relative to that of its bundle. */
  readonly folder: string;
}

export interface Program {
  /** Its folder's name, and its image's. */
  readonly name: string;
  readonly assets: readonly Assets[];
  /** What else may be started: `probe/main` is bundled from its folder's `probe/main.ts`. */
  readonly others?: readonly string[];
}

const dashboard: readonly Assets[] = [
  { files: "gateway/dashboard/assets/*.{html,css,js,svg}", folder: "assets" },
  {
    files: "node_modules/uplot/dist/{uPlot.esm.js,uPlot.min.css}",
    folder: "node_modules/uplot/dist",
  },
];

/** The programs that have an image. */
export const programs: readonly Program[] = [
  { name: "collector", assets: [] },
  // The one-way check's pods run the probe.
  { name: "gateway", assets: dashboard, others: ["probe/main"] },
  { name: "operator", assets: [] },
];
