import type { Bridge } from "../bridge/schema.ts";

/** The name that a collector's certificate carries and that its gateways ask for. */
export function collectorName({ metadata: { name, namespace } }: Bridge): string {
  return `collector.${name}.${namespace}.qrngbridge.internal`;
}

/** Whether any of its bytes come from a simulated appliance. */
export function isSimulated({ spec }: Bridge): boolean {
  return spec.sources.some(({ simulated }) => simulated);
}
