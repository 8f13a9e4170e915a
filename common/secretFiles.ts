import { readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ConfigError, errorCode } from "./errors.ts";

const maxSecretBytes = 128 * 2 ** 20;
const readableByOthers = 0o004;

/**
 * A file that holds a secret, without surrounding white space.
 * @throws ConfigError when it cannot be read, or when everybody on the machine could
 */
export async function readSecretFile(path: string): Promise<string> {
  try {
    const { mode, size } = await stat(path);
    if ((mode & readableByOthers) !== 0) {
      throw new ConfigError(`${path}: readable by everybody; run: chmod o-r ${path}`);
    }
    if (size > maxSecretBytes) throw new ConfigError(`${path}: larger than 128MiB`);
    return (await readFile(path, "utf8")).trim();
  } catch (cause) {
    throw asConfigError(path, cause);
  }
}

/** A file that anybody may see: certificates. */
export async function readPublicFile(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw asConfigError(path, cause);
  }
}

/**
 * A certificate and its key as one consistent pair: where they share a folder that Kubernetes swaps
 * through `..data`, both are read from what that link pointed to at one moment.
 * @returns PEM texts
 */
export async function readPair(
  certificatePath: string,
  keyPath: string,
): Promise<{ certificate: string; key: string }> {
  const folder = dirname(certificatePath);
  const swapped =
    folder === dirname(keyPath)
      ? await realpath(join(folder, "..data")).catch(() => folder)
      : undefined;
  const at = (path: string): string =>
    swapped === undefined ? path : join(swapped, basename(path));
  return {
    certificate: await readPublicFile(at(certificatePath)),
    key: await readSecretFile(at(keyPath)),
  };
}

function asConfigError(path: string, cause: unknown): ConfigError {
  if (cause instanceof ConfigError) return cause;
  return new ConfigError(`${path}: cannot be read (${errorCode(cause) ?? "unknown"})`, { cause });
}
