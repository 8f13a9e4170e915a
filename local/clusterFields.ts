import type { Problem } from "../common/config/issues.ts";

/** Fields by name; lists are like their entries, and `true` stands for all that is inside. */
interface Fields {
  readonly [name: string]: Fields | true;
}

/** What of a spec one machine can do. All else needs a cluster. */
const possible: Fields = {
  topology: true,
  sources: {
    name: true,
    type: true,
    url: true,
    chunkBytes: true,
    intervalMilliseconds: true,
    timeoutMilliseconds: true,
    path: true,
    encoding: true,
    authSecretRef: true,
    authHeader: true,
    caRef: true,
    pinnedCertificateSha256s: true,
    minEntropyMillibitsPerByte: true,
    simulated: true,
  },
  mixing: true,
  healthTests: true,
  collector: { bufferBytes: true, packetBytes: true, maxAgeSeconds: true, logLevel: true },
  gateway: {
    replicas: true,
    bufferBytes: true,
    maxAgeSeconds: true,
    overflow: true,
    conditioning: true,
    maxRequestBytes: true,
    rateLimit: true,
    allowQueryKey: true,
    mcp: true,
    dashboard: true,
    logLevel: true,
    push: { acceptUnbound: true },
  },
  tls: {},
};

/** What a written bridge asks for that takes a cluster, by field; its schema knows the rest. */
export function clusterProblems(bridge: unknown): Problem[] {
  const spec = fieldOf(bridge, "spec");
  const topology = fieldOf(spec, "topology");
  const replicas = fieldOf(fieldOf(spec, "gateway"), "replicas");
  const problems = impossibleFields(spec, possible, ["spec"]);
  if (topology === "CollectorOnly" || topology === "GatewayOnly") {
    const message = "needs a cluster: must be InCluster or Direct for npm start";
    problems.push({ path: ["spec", "topology"], message });
  }
  if (replicas !== undefined && replicas !== 1) {
    const message = "npm start runs one gateway: must be 1, or left out";
    problems.push({ path: ["spec", "gateway", "replicas"], message });
  }
  return problems;
}

function impossibleFields(value: unknown, fields: Fields, path: Problem["path"]): Problem[] {
  if (Array.isArray(value)) {
    return value.flatMap((entry, index) => impossibleFields(entry, fields, [...path, index]));
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const known = fields[name];
    const here = [...path, name];
    if (known === undefined) {
      return [{ path: here, message: "needs a cluster; leave it out for npm start" }];
    }
    return known === true ? [] : impossibleFields(inner, known, here);
  });
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return (value as Record<string, unknown>)[name];
}
