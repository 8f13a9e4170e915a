import { execFileSync } from "node:child_process";

/** The server has a core to itself; the load, and this process, come from the other. */
export const serverCore = 0;
export const loadCore = 1;

/** Ties all threads of a process to one core. */
export function pin(pid: number | undefined, core: number): void {
  execFileSync("taskset", ["--all-tasks", "--cpu-list", "--pid", String(core), String(pid)], {
    stdio: ["ignore", "ignore", "inherit"],
  });
}
