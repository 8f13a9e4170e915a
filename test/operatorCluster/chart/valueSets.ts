import { readdirSync } from "node:fs";
import { basename, join } from "node:path";

const folder = join(import.meta.dirname, "values");

/** Sets of values that the chart is rendered with, by name. */
export const valueSets = readdirSync(folder).map((file) => basename(file, ".yaml"));

export const valuesFile = (name: string): string => join(folder, `${name}.yaml`);
