import { existsSync } from "node:fs";
import { isBuiltin } from "node:module";
import { fileURLToPath } from "node:url";

const maxPositions = 10;
/** The frames are at the end; what stands before them repeats the message, however long. */
const maxStack = 16_384;
const frame = /^ {4}at (?:.*\()?((?:file:\/\/)?\/[^()\s]+|node:[a-z_/]+):(\d{1,7}):(\d{1,7})\)?$/;

/**
 * Where an error comes from: `/app/common/wait.ts:12:3`, `node:net:100:7`. A message can hold lines
 * that look like frames, so only files and modules that exist are listed, and no function names.
 */
export function stackPositions(error: Error): string[] {
  const stack = typeof error.stack === "string" ? error.stack.slice(-maxStack) : "";
  return stack
    .split("\n")
    .map((line) => frame.exec(line))
    .flatMap((match) => (match === null ? [] : [position(match[1]!, match[2]!, match[3]!)]))
    .filter((found) => found !== undefined)
    .slice(0, maxPositions);
}

function position(place: string, line: string, column: string): string | undefined {
  if (place.startsWith("node:")) return isBuiltin(place) ? `${place}:${line}:${column}` : undefined;
  const path = place.startsWith("file:") ? fileURLToPath(place) : place;
  return existsSync(path) ? `${path}:${line}:${column}` : undefined;
}
