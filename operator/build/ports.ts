import type { ContainerPort } from "kubernetes-types/core/v1.js";

/** What the programs listen on in their pods, by the names that Services and probes use. */
export const ports = {
  api: { name: "api", number: 7764 },
  push: { name: "push", number: 7765 },
  management: { name: "management", number: { gateway: 9464, collector: 9465 } },
} as const;

export function containerPort({ name, number }: { name: string; number: number }): ContainerPort {
  return { name, containerPort: number, protocol: "TCP" };
}

/** Every address of the pod, of whatever family it has. */
export const everyAddress = "[::]";
/** Filled in by the program: packets are signed for the address that the collector connects to. */
export const podAddress = "${POD_IP}";
