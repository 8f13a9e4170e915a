import type { Container, PodSpec, PodTemplateSpec, Volume } from "kubernetes-types/core/v1.js";
import { createHash } from "node:crypto";
import type { BridgeSpec } from "../bridge/spec.ts";
import type { Facts } from "./facts.ts";
import type { MountedFile } from "./files.ts";
import { podLabels, programPods } from "./metadata.ts";
import { collectorName, gatewayName } from "./names.ts";
import { ports } from "./ports.ts";
import { buildResources } from "./resources.ts";
import type { Program } from "./settings.ts";

type GivenPod = NonNullable<BridgeSpec["gateway"]["pod"]>;

export interface ProgramPod {
  readonly program: Program;
  readonly config: MountedFile;
  /** The text of that file; programs read it once. */
  readonly configText: string;
  /** What else the config names; programs re-read these. */
  readonly files: readonly MountedFile[];
  /** What only this program's container has. */
  readonly container: Pick<Container, "ports" | "env"> & {
    /** Folders to write to, by volume. */
    readonly scratch?: Readonly<Record<string, string>>;
  };
}

/** Time for a program to end by itself; each gets told as `shutdown_grace`. */
export const shutdownSeconds = 20;
/** More, for what comes before and after: closing listeners, zeroing buffers. */
const terminationSeconds = shutdownSeconds + 10;

/** A folder of a few bytes: the gateway's push state. */
const scratchSize = "1Mi";

export function buildPodTemplate(facts: Facts, pod: ProgramPod): PodTemplateSpec {
  const { program } = pod;
  const given: GivenPod = facts.bridge.spec[program]?.pod ?? {};
  return {
    metadata: {
      labels: {
        ...facts.settings.labels,
        ...meshLabels,
        ...given.labels,
        ...podLabels(facts, program),
      },
      annotations: {
        ...meshAnnotations,
        ...given.annotations,
        "qrngbridge.io/config-hash": digest(pod.configText),
      },
    },
    spec: { ...fixedSpec(facts), ...placement(facts, program, given), ...contents(facts, pod) },
  };
}

/** A sidecar would take part in the one-way flow: both ends of it speak TLS themselves. */
export const meshLabels = { "sidecar.istio.io/inject": "false", "istio.io/dataplane-mode": "none" };
export const meshAnnotations = { "linkerd.io/inject": "disabled" };

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/** What PodSecurity `restricted` asks of a pod, and no door that these programs do not use. */
function fixedSpec({ settings }: Facts): Omit<PodSpec, "containers"> {
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      seccompProfile: { type: "RuntimeDefault" },
      ...(settings.fsGroup === undefined ? {} : { fsGroup: settings.fsGroup }),
    },
    terminationGracePeriodSeconds: terminationSeconds,
  };
}

function placement(facts: Facts, program: Program, given: GivenPod): Omit<PodSpec, "containers"> {
  const { bridge } = facts;
  const pullSecrets = pullSecretsOf(facts, program);
  return {
    serviceAccountName: program === "collector" ? collectorName(bridge) : gatewayName(bridge),
    ...(pullSecrets.length === 0 ? {} : { imagePullSecrets: pullSecrets }),
    ...keepGiven({
      nodeSelector: given.nodeSelector,
      tolerations: given.tolerations,
      affinity: given.affinity,
      priorityClassName: given.priorityClassName,
      runtimeClassName: given.runtimeClassName,
      topologySpreadConstraints: spread(facts, program, given.topologySpreadConstraints),
    }),
  };
}

export function pullSecretsOf(
  { bridge, settings }: Pick<Facts, "bridge" | "settings">,
  program: Program,
): { name: string }[] {
  const given = bridge.spec[program]?.pod?.imagePullSecrets;
  return [...(given ?? settings.imagePullSecrets.map((name) => ({ name })))];
}

/** Gateways stand on as many nodes, and in as many zones, as there are: one may go. */
const defaultSpread = ["kubernetes.io/hostname", "topology.kubernetes.io/zone"].map(
  (topologyKey) => ({ maxSkew: 1, topologyKey, whenUnsatisfiable: "ScheduleAnyway" as const }),
);

function spread(
  facts: Facts,
  program: Program,
  given: GivenPod["topologySpreadConstraints"],
): PodSpec["topologySpreadConstraints"] {
  const constraints = given ?? (program === "gateway" ? defaultSpread : undefined);
  const labelSelector = { matchLabels: programPods(facts, program) };
  return constraints?.map((constraint) => ({ labelSelector, ...constraint }));
}

/** The fields that are there, so that an object claims no field that it leaves to others. */
function keepGiven<Fields extends object>(fields: Fields): Partial<Fields> {
  const given = Object.entries(fields).filter(
    ([, value]: [string, unknown]) => value !== undefined,
  );
  return Object.fromEntries(given) as Partial<Fields>;
}

function contents(facts: Facts, pod: ProgramPod): Pick<PodSpec, "containers" | "volumes"> {
  const { settings } = facts;
  const { program, config, container } = pod;
  const { scratch = {}, ...own } = container;
  const files = distinctFolders([config, ...pod.files]);
  const spec = facts.bridge.spec[program];
  return {
    containers: [
      {
        name: program,
        image: imageOf(facts, program),
        imagePullPolicy: spec?.pod?.imagePullPolicy ?? "IfNotPresent",
        args: ["--config", config.path],
        ...own,
        resources: buildResources(facts.bridge, program, settings.resources[program]),
        securityContext: restricted,
        ...probes,
        volumeMounts: [
          ...files.map(({ volume, folder }) => ({
            name: volume.name,
            mountPath: folder,
            readOnly: true,
          })),
          ...Object.entries(scratch).map(([name, mountPath]) => ({ name, mountPath })),
        ],
      },
    ],
    volumes: [...files.map(({ volume }) => volume), ...Object.keys(scratch).map(scratchVolume)],
  };
}

/** What PodSecurity `restricted` asks of a container, and no place to write to. */
export const restricted = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  readOnlyRootFilesystem: true,
};

export function imageOf(
  { bridge, settings: { registry, images } }: Pick<Facts, "bridge" | "settings">,
  program: Program,
): string {
  const image = registry === "" ? images[program] : `${registry}/${images[program]}`;
  return bridge.spec[program]?.image ?? image;
}

const scratchVolume = (name: string): Volume => ({ name, emptyDir: { sizeLimit: scratchSize } });

/** Files in one folder come by one volume. */
function distinctFolders(files: readonly MountedFile[]): MountedFile[] {
  return [...new Map(files.map((file) => [file.volume.name, file])).values()];
}

const check = (path: string) => ({ httpGet: { path, port: ports.management.name } });

/** By the management port, which kubelet reaches under any policy. */
const probes: Pick<Container, "startupProbe" | "livenessProbe" | "readinessProbe"> = {
  startupProbe: { ...check("/healthz"), periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 60 },
  livenessProbe: {
    ...check("/healthz"),
    periodSeconds: 10,
    timeoutSeconds: 5,
    failureThreshold: 6,
  },
  readinessProbe: { ...check("/readyz"), periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 3 },
};
