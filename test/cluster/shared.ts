import { inject } from "vitest";
import type { TestProject } from "vitest/node";
import { accessTo, type ControlPlaneAccess, type ControlPlaneFacts } from "./access.ts";
import { startControlPlane } from "./controlPlane.ts";

declare module "vitest" {
  export interface ProvidedContext {
    controlPlane: ControlPlaneFacts;
  }
}

/** Vitest's globalSetup: one control plane, with an audit log, for all test files of a run. */
export default async function setup(project: TestProject): Promise<() => PromiseLike<void>> {
  const controlPlane = await startControlPlane({ audit: true });
  project.provide("controlPlane", controlPlane.facts);
  return () => controlPlane[Symbol.asyncDispose]();
}

/**
 * The run's control plane. A test file takes a namespace of its own (`createNamespace`), and a
 * control plane of its own (`startControlPlane`) when it stops servers or needs controllers.
 */
export function sharedControlPlane(): Promise<ControlPlaneAccess> {
  return accessTo(inject("controlPlane"));
}
