import { rm } from "node:fs/promises";
import { inject } from "vitest";
import type { TestProject } from "vitest/node";
import { makeFolder } from "../../helpers/folder.ts";
import { accessTo, type ControlPlaneFacts } from "../access.ts";
import { endWithWhatToInstall } from "../shared.ts";
import { type Cluster, keptLogs, startCluster } from "./cluster.ts";
import { buildImages } from "./images.ts";
import type { Machine } from "./machine.ts";
import { step } from "./progress.ts";
import { requireNode } from "./requirements.ts";

declare module "vitest" {
  export interface ProvidedContext {
    cluster: { readonly facts: ControlPlaneFacts; readonly machine: Machine };
    /** Archives of this checkout's images, for a test that starts a cluster of its own. */
    images: readonly string[];
  }
}

/** Vitest's globalSetup: one cluster, which enforces NetworkPolicies, for all files of a run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await requireNode().catch(endWithWhatToInstall);
  await rm(keptLogs, { recursive: true, force: true });
  await using cleanup = new AsyncDisposableStack();
  const folder = cleanup.use(await makeFolder());
  const images = await step("images", () => buildImages(folder.path)).catch(endWithWhatToInstall);
  const cluster = cleanup.use(await startCluster({ images, enforcement: true }));
  const { folder: files, cgroup, entry, outside } = cluster.machine;
  const machine = { folder: files, cgroup, entry, outside };
  project.provide("cluster", { facts: cluster.facts, machine });
  project.provide("images", images);
  const kept = cleanup.move();
  return () => kept.disposeAsync();
}

/** The run's cluster. A test file takes namespaces of its own. */
export async function sharedCluster(): Promise<Cluster> {
  const { facts, machine } = inject("cluster");
  return { ...(await accessTo(facts)), machine };
}
