import { execFile } from "node:child_process";
import { createPrivateKey, randomUUID, sign } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type AuditEvent, parseAuditLog } from "./audit.ts";
import { kubeConfig, type User } from "./kubeConfig.ts";
import { program } from "./programs.ts";
import { readPath } from "./read.ts";
import { auditLog, issuer } from "./servers.ts";

/** What another process needs to reach a control plane. */
export interface ControlPlaneFacts {
  readonly url: string;
  readonly folder: string;
  /** What a command is put behind to run where the API server can be reached. */
  readonly entry: readonly string[];
}

export interface KubectlInit {
  /** A file; the admin's when left out. */
  readonly kubeconfig?: string;
  readonly input?: string;
}

/** A control plane as its users see it. */
export interface ControlPlaneAccess {
  readonly facts: ControlPlaneFacts;
  readonly url: string;
  /** PEM. */
  readonly ca: string;
  /** A file; its user may do everything. */
  readonly adminKubeConfig: string;
  /** Runs kubectl and gives its stdout. @throws with its stderr when it fails */
  kubectl(args: readonly string[], init?: KubectlInit): Promise<string>;
  /** What the API has at a path, as the admin; undefined for what is not there. */
  read(path: string): Promise<unknown>;
  /** Writes a kubeconfig and gives the file. */
  kubeConfigFor(user: User): Promise<string>;
  /**
   * A token of an existing ServiceAccount, as the API server issues them, but for any time: its own
   * TokenRequest gives none under 10 minutes. The server accepts a token for a minute past its end.
   */
  tokenFor(
    serviceAccount: string,
    namespace: string,
    init?: { readonly expirationSeconds?: number },
  ): Promise<string>;
  /** The requests so far, when the control plane was started with `audit`. */
  auditEvents(): Promise<AuditEvent[]>;
}

/** Also for another process than the one that started the control plane. */
export async function accessTo(facts: ControlPlaneFacts): Promise<ControlPlaneAccess> {
  const { url, folder, entry } = facts;
  const ca = await readFile(join(folder, "ca.crt"), "utf8");
  const command = [...entry, await program("kubectl")];
  const adminKubeConfig = join(folder, "admin.yaml");
  const kubectl: ControlPlaneAccess["kubectl"] = (args, init = {}) =>
    run(command, args, { kubeconfig: adminKubeConfig, ...init });
  const readText = (name: string): Promise<string> => readFile(join(folder, name), "utf8");
  const user = { certificate: await readText("admin.crt"), key: await readText("admin.key") };
  // A server in another network is asked from there.
  const readThere = (path: string): Promise<unknown> =>
    kubectl(["get", "--raw", path]).then(JSON.parse, (error: unknown) => {
      if (String(error).includes("(NotFound)")) return undefined;
      throw error;
    });
  return {
    facts,
    url,
    ca,
    adminKubeConfig,
    kubectl,
    read: entry.length === 0 ? (path) => readPath({ url, ca, user }, path) : readThere,
    kubeConfigFor: async (user) => {
      const file = join(folder, `${randomUUID()}.yaml`);
      await writeFile(file, kubeConfig(url, ca, user), { mode: 0o600 });
      return file;
    },
    tokenFor: async (name, namespace, { expirationSeconds = 3600 } = {}) => {
      const get = ["get", "serviceaccount", name, "--namespace", namespace];
      const uid = await kubectl([...get, "--output", "jsonpath={.metadata.uid}"]);
      const key = await readFile(join(folder, "sa.key"), "utf8");
      const now = Math.floor(Date.now() / 1000);
      return signToken(key, {
        iss: issuer,
        aud: [issuer],
        sub: `system:serviceaccount:${namespace}:${name}`,
        iat: now,
        nbf: now,
        exp: now + expirationSeconds,
        "kubernetes.io": { namespace, serviceaccount: { name, uid } },
      });
    },
    auditEvents: async () => parseAuditLog(await readFile(join(folder, auditLog), "utf8")),
  };
}

/** Its home is the control plane's folder: a user's own kuberc and caches stay out of it. */
async function run(
  command: readonly string[],
  args: readonly string[],
  { kubeconfig, input = "" }: KubectlInit & { readonly kubeconfig: string },
): Promise<string> {
  const [file = "", ...before] = command;
  const env = { PATH: process.env["PATH"], HOME: dirname(kubeconfig), KUBECONFIG: kubeconfig };
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const options = { env, maxBuffer: 64 * 1024 * 1024 };
  const child = execFile(file, [...before, ...args], options, (error, stdout, stderr) => {
    if (error === null) resolve(stdout);
    else reject(new Error(`kubectl ${args.join(" ")}: ${stderr.trim() || error.message}`));
  });
  // It may end before it has read all.
  child.stdin?.on("error", () => undefined).end(input);
  return promise;
}

/** A JSON Web Token under ES256 (RFC 7515, RFC 7518 section 3.4). */
function signToken(key: string, claims: object): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString("base64url");
  const signed = `${encode({ alg: "ES256", typ: "JWT" })}.${encode(claims)}`;
  const signature = sign("sha256", Buffer.from(signed), {
    key: createPrivateKey(key),
    dsaEncoding: "ieee-p1363",
  });
  return `${signed}.${signature.toString("base64url")}`;
}
