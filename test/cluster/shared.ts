import { inject } from "vitest";
import type { TestProject } from "vitest/node";
import { accessTo, type ControlPlaneAccess, type ControlPlaneFacts } from "./access.ts";
import { startControlPlane } from "./controlPlane.ts";
import { MissingProgram, program } from "./programs.ts";

declare module "vitest" {
  export interface ProvidedContext {
    controlPlane: ControlPlaneFacts;
  }
}

/** Vitest's globalSetup: one control plane, with an audit log, for all test files of a run. */
export default async function setup(project: TestProject): Promise<() => PromiseLike<void>> {
  const controlPlane = await startControlPlane({ audit: true }).catch(endWithWhatToInstall);
  // Built here and not within a test's time; without one, the tests that need it say so.
  for (const name of ["kube-controller-manager", "helm"] as const) {
    await program(name).catch((error: unknown) => {
      if (!(error instanceof MissingProgram)) throw error;
    });
  }
  project.provide("controlPlane", controlPlane.facts);
  return () => controlPlane[Symbol.asyncDispose]();
}

/** Vitest would say that there are no test files, and bury the one sentence in a stack. */
export function endWithWhatToInstall(error: unknown): never {
  if (!(error instanceof MissingProgram)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}

/**
 * The run's control plane. A test file takes a namespace of its own (`createNamespace`), and a
 * control plane of its own (`startControlPlane`) when it stops servers or needs controllers.
 */
export function sharedControlPlane(): Promise<ControlPlaneAccess> {
  return accessTo(inject("controlPlane"));
}
