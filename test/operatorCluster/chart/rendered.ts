import type { Container } from "kubernetes-types/core/v1.js";
import type { Deployment } from "kubernetes-types/apps/v1.js";
import type { RenderedObject } from "./helm.ts";

export const isDefinition = ({ kind }: RenderedObject): boolean =>
  kind === "CustomResourceDefinition";

export type RenderedDeployment = RenderedObject & Deployment;

/** The operator's Deployment. @throws where there is not just one */
export function deploymentOf(objects: readonly RenderedObject[]): RenderedDeployment {
  const found = objects.filter(({ kind }) => kind === "Deployment");
  if (found.length !== 1) throw new Error(`${found.length} Deployments`);
  return found[0] as RenderedDeployment;
}

/** Its container, with the args that there must be. */
export function containerOf(
  objects: readonly RenderedObject[],
): Container & { readonly args: string[] } {
  const [container] = deploymentOf(objects).spec?.template.spec?.containers ?? [];
  if (container?.args === undefined) throw new Error("no container with args");
  return { ...container, args: container.args };
}
