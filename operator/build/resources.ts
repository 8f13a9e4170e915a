import type { ResourceRequirements } from "kubernetes-types/core/v1.js";
import type { BridgeSpec } from "../bridge/spec.ts";
import type { DefaultResources, Program } from "./settings.ts";

type Quantity = string | number;
type Given = NonNullable<NonNullable<BridgeSpec["gateway"]["pod"]>["resources"]>;

const mebibyte = 2 ** 20;
/** As the programs' own; a test compares. */
const defaultBufferBytes = 16 * mebibyte;

/**
 * Requests and limits of a program's container: what the bridge gives, and for the rest the
 * operator's defaults, with room for the buffer. Both are always there.
 */
export function buildResources(
  { spec }: { readonly spec: BridgeSpec },
  program: Program,
  defaults: DefaultResources,
): ResourceRequirements {
  const { pod, bufferBytes = defaultBufferBytes } = spec[program] ?? {};
  const memory = `${defaults.memoryMebibytes + Math.ceil(bufferBytes / mebibyte)}Mi`;
  return fill(pod?.resources ?? {}, {
    cpu: [defaults.cpu.request, defaults.cpu.limit],
    memory: [memory, memory],
  });
}

/**
 * What is left out comes from the defaults, but for a request above the given limit, or a limit
 * below the given request: the API server refuses such a pair.
 */
function fill(
  { requests = {}, limits = {} }: Given,
  defaults: Readonly<Record<string, readonly [request: Quantity, limit: Quantity]>>,
): ResourceRequirements {
  const filled: Required<Pick<ResourceRequirements, "requests" | "limits">> = {
    requests: texts(requests),
    limits: texts(limits),
  };
  for (const [name, [request, limit]] of Object.entries(defaults)) {
    const givenLimit = limits[name];
    const givenRequest = requests[name];
    filled.requests[name] ??= String(
      givenLimit === undefined ? request : least(request, givenLimit),
    );
    filled.limits[name] ??= String(givenRequest === undefined ? limit : most(limit, givenRequest));
  }
  return filled;
}

function texts(quantities: Readonly<Record<string, Quantity>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(quantities).map(([name, quantity]) => [name, String(quantity)]),
  );
}

const least = (one: Quantity, other: Quantity) => (amount(one) <= amount(other) ? one : other);
const most = (one: Quantity, other: Quantity) => (amount(one) >= amount(other) ? one : other);

const decimal = "kMGTPE";
const binary = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/** @see https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ */
function amount(quantity: Quantity): number {
  const [, number = "", suffix = ""] = /^([0-9.]+)(.*)$/.exec(String(quantity)) ?? [];
  return Number(number) * unit(suffix);
}

function unit(suffix: string): number {
  if (suffix === "") return 1;
  if (suffix === "m") return 0.001;
  const power = binary.indexOf(suffix);
  return power < 0 ? 1000 ** (decimal.indexOf(suffix) + 1) : 1024 ** (power + 1);
}
