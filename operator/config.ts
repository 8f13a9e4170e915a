import { parseArgs } from "node:util";
import type { z } from "zod";
import { ConfigError } from "../common/errors.ts";
import type { LogLevel } from "../common/log/logger.ts";
import { defaultResources } from "./build/settings.ts";
import { flags } from "./flags.ts";
import type { OperatorOptions } from "./operator.ts";

export interface OperatorConfig {
  readonly options: Omit<OperatorOptions, "identity">;
  readonly logLevel: LogLevel;
  /** Undefined in a pod. */
  readonly kubeconfig: { readonly path: string; readonly context: string | undefined } | undefined;
}

const names = Object.keys(flags.shape) as readonly (keyof typeof flags.shape)[];

/** A flag's environment variable, such as `QRNG_OPERATOR_LOG_LEVEL`. */
export function variableOf(flag: string): string {
  return `QRNG_OPERATOR_${flag.toUpperCase().replaceAll("-", "_")}`;
}

/** Each flag, what it is for, and what it is when left out. */
export function describeFlags(): { flag: string; description: string; fallback: string }[] {
  return names.map((flag) => {
    const schema = flags.shape[flag];
    const fallback: unknown = "defaultValue" in schema.def ? schema.def.defaultValue : "";
    return {
      flag: `--${flag}`,
      description: schema.description ?? "",
      fallback: typeof fallback === "string" ? fallback : "",
    };
  });
}

export function usage(): string {
  const lines = describeFlags().map(({ flag, description, fallback }) => {
    const shown = fallback === "" ? "" : `\n      default: ${fallback}`;
    return `  ${flag}\n      ${description}${shown}`;
  });
  return [
    "usage: npm run operator -- [--FLAG VALUE]...",
    `Each flag can be given as a variable as well, such as ${variableOf("log-level")}.`,
    "",
    ...lines,
  ].join("\n");
}

/**
 * The operator's settings: flags, then environment variables, then defaults.
 * @returns undefined when `--help` asks for the usage
 * @throws ConfigError naming the flag and what is expected
 */
export function loadOperatorConfig(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): OperatorConfig | undefined {
  const given = readFlags(args);
  if (given["help"] === true) return undefined;
  const texts = names.flatMap((flag) => {
    const text = given[flag] ?? env[variableOf(flag)];
    return text === undefined ? [] : [[flag, text]];
  });
  const parsed = flags.safeParse(Object.fromEntries(texts));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ConfigError(`--${String(issue?.path[0])}: ${issue?.message ?? "is not valid"}`);
  }
  return configOf(parsed.data, env["POD_NAMESPACE"]);
}

function readFlags(
  args: readonly string[],
): Readonly<Record<string, string | boolean | undefined>> {
  const known = names.map((flag) => [flag, { type: "string" }] as const);
  const options = { ...Object.fromEntries(known), help: { type: "boolean", short: "h" } } as const;
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    // Node's message names the flag, and never its value.
    const reason = error instanceof Error ? error.message.split(".")[0] : "bad flags";
    throw new ConfigError(`${reason}; --help lists the flags`);
  }
}

function configOf(
  values: z.output<typeof flags>,
  podNamespace: string | undefined,
): OperatorConfig {
  const namespace = values["operator-namespace"] ?? podNamespace;
  if (namespace === undefined) {
    throw new ConfigError("--operator-namespace: is needed where POD_NAMESPACE is not set");
  }
  const { namespaces = [namespace], kubeconfig, context } = values;
  const isEverywhere = values["all-namespaces"];
  if (isEverywhere && values.namespaces !== undefined) {
    throw new ConfigError("--all-namespaces: goes without --namespaces; leave one out");
  }
  return {
    options: {
      settings: {
        operator: { namespace, podLabels: values["operator-labels"] },
        clusterDomain: values["cluster-domain"],
        registry: values.registry ?? "",
        images: { collector: values["collector-image"], gateway: values["gateway-image"] },
        imagePullSecrets: values["image-pull-secrets"],
        labels: values.labels,
        resources: defaultResources,
        fsGroup: values["fs-group"],
        dns: values.dns,
        runbooks: values.runbooks,
      },
      namespaces: isEverywhere ? undefined : namespaces,
      workers: values.workers,
      lease: values["leader-election"] ? { namespace, name: values["lease-name"] } : undefined,
      managementAddress: values["management-address"],
      gatewayInterval: values["gateway-seconds"] * 1_000,
      discoveryInterval: values["discovery-seconds"] * 1_000,
    },
    logLevel: values["log-level"],
    kubeconfig: kubeconfig === undefined ? undefined : { path: kubeconfig, context },
  };
}
