import { chmod, mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "../common/errors.ts";
import { LaunchError } from "./errors.ts";

/** The folder of one `npm start`, with what it holds; only its owner may enter it. */
export interface Directory {
  readonly root: string;
  readonly apiKey: string;
  readonly keyRing: string;
  readonly collectorConfig: string;
  readonly gatewayConfig: string;
  readonly lock: string;
  readonly certificates: string;
  readonly logs: string;
  readonly state: string;
}

/** @throws LaunchError when it cannot be had, or when others may enter it */
export async function openDirectory(root: string): Promise<Directory> {
  const directory = {
    root,
    apiKey: join(root, "api-key"),
    keyRing: join(root, "keyring.json"),
    collectorConfig: join(root, "collector.yaml"),
    gatewayConfig: join(root, "gateway.yaml"),
    lock: join(root, "launcher.pid"),
    certificates: join(root, "certificates"),
    logs: join(root, "logs"),
    state: join(root, "state"),
  };
  try {
    await mkdir(root, { recursive: true, mode: 0o700 });
    await closeToOthers(root);
    for (const folder of [directory.certificates, directory.logs, directory.state]) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
    }
  } catch (cause) {
    if (cause instanceof LaunchError) throw cause;
    throw new LaunchError(`${root}: cannot be used (${errorCode(cause) ?? "unknown"}); see --dir`, {
      cause,
    });
  }
  return directory;
}

/** Only an empty folder is closed: one that is in use, such as /tmp, is not ours to change. */
async function closeToOthers(root: string): Promise<void> {
  const { mode } = await stat(root);
  if ((mode & 0o077) === 0) return;
  if ((await readdir(root)).length > 0) {
    throw new LaunchError(
      `${root}: others may enter it; run: chmod 700 on it, or choose another with --dir`,
    );
  }
  await chmod(root, 0o700);
}
