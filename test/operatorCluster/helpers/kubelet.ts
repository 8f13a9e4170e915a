import { chmod, mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Folder } from "../../helpers/folder.ts";
import type { Scene } from "./scene.ts";

interface Projection {
  readonly items?: readonly { readonly key: string; readonly path: string }[];
  readonly defaultMode?: number;
}

interface Volume {
  readonly name: string;
  readonly configMap?: Projection & { readonly name: string };
  readonly secret?: Projection & { readonly secretName: string };
  readonly emptyDir?: object;
}

interface PodSpec {
  readonly volumes: readonly Volume[];
  readonly containers: readonly [
    {
      readonly args: readonly string[];
      readonly env?: readonly {
        readonly name: string;
        readonly valueFrom: { readonly fieldRef: { readonly fieldPath: string } };
      }[];
      readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
    },
  ];
}

/** The files of a Deployment's pod, on this machine. */
export interface MountedPod {
  /** Where an absolute path of the container is here. */
  at(path: string): string;
  /** What follows `--config`. */
  readonly configPath: string;
  readonly env: Readonly<Record<string, string>>;
  /** Brings what Secrets and ConfigMaps hold by now, as the kubelet does from time to time. */
  sync(): Promise<void>;
}

/** What a pod of loopback has as its own. */
const podFields: Readonly<Record<string, string>> = { "status.podIP": "127.0.0.1" };

/**
 * Mounts what the pod of a Deployment asks for from the API server into a folder: Secrets and
 * ConfigMaps with their modes, each behind a link that is swapped when they change
 * (https://kubernetes.io/docs/concepts/configuration/secret/#mounted-secrets-are-updated-automatically).
 */
export async function mountPod(
  scene: Scene,
  deployment: string,
  folder: Folder,
): Promise<MountedPod> {
  const found = await scene.get("deployment", deployment);
  const template = found?.spec?.["template"] as { readonly spec: PodSpec } | undefined;
  if (template === undefined) throw new Error(`no Deployment ${deployment}`);
  const { volumes, containers } = template.spec;
  const [{ args, env = [], volumeMounts }] = containers;
  const at = (path: string): string => folder.at(deployment, path);
  const sync = async (): Promise<void> => {
    for (const { name, mountPath } of volumeMounts) {
      const volume = volumes.find((each) => each.name === name);
      if (volume === undefined) throw new Error(`no volume ${name}`);
      if (volume.emptyDir !== undefined) await mkdir(at(mountPath), { recursive: true });
      else await project(at(mountPath), await filesOf(scene, volume));
    }
  };
  await sync();
  const configPath = args[args.indexOf("--config") + 1];
  if (configPath === undefined) throw new Error("no --config");
  return {
    at,
    configPath,
    sync,
    env: Object.fromEntries(
      env.map(({ name, valueFrom }) => [name, podFields[valueFrom.fieldRef.fieldPath] ?? ""]),
    ),
  };
}

interface ProjectedFile {
  readonly path: string;
  readonly content: Buffer;
  readonly mode: number;
}

async function filesOf(scene: Scene, { configMap, secret }: Volume): Promise<ProjectedFile[]> {
  const [kind, name] = secret ? ["secret", secret.secretName] : ["configmap", configMap?.name];
  const { items, defaultMode = 0o644 } = secret ?? configMap ?? {};
  const { data = {} } = (await scene.get(kind, name ?? "")) ?? {};
  const wanted = items ?? Object.keys(data).map((key) => ({ key, path: key }));
  return wanted.map(({ key, path }) => {
    const text = data[key];
    if (text === undefined) throw new Error(`${kind} ${name} has no ${key}`);
    return { path, content: Buffer.from(text, secret ? "base64" : "utf8"), mode: defaultMode };
  });
}

let versions = 0;

/** All files change at one moment, with one link. */
async function project(mount: string, files: readonly ProjectedFile[]): Promise<void> {
  const version = `..version_${++versions}`;
  await mkdir(join(mount, version), { recursive: true });
  for (const { path, content, mode } of files) {
    const file = join(mount, version, path);
    await writeFile(file, content);
    await chmod(file, mode); // whatever the umask is
    await rm(join(mount, path), { force: true });
    await symlink(join("..data", path), join(mount, path));
  }
  const link = join(mount, `..data_${versions}`);
  await symlink(version, link);
  await rename(link, join(mount, "..data"));
}
