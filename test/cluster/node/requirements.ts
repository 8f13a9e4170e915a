import { access, constants } from "node:fs/promises";
import { join } from "node:path";
import { MissingProgram } from "../programs.ts";

/** What a node runs that is no Go module: each command and its Debian package. */
const packages: Readonly<Record<string, string>> = {
  buildah: "buildah",
  "clang-19": "clang-19",
  curl: "curl",
  ip: "iproute2",
  ipset: "ipset",
  iptables: "iptables",
  nft: "nftables",
  npm: "npm",
  nsenter: "util-linux",
  runc: "runc",
};

/** @throws MissingProgram with the command that installs all that is missing */
export async function requireNode(
  path = process.env["PATH"] ?? "",
  user = process.getuid?.(),
): Promise<void> {
  if (process.platform !== "linux" || user !== 0)
    throw new MissingProgram("a node takes Linux and root: run the suite as root");
  const found = await Promise.all(
    Object.entries(packages).map(async ([command, name]) =>
      (await isInPath(command, path)) ? [] : [name],
    ),
  );
  const missing = [...new Set(found.flat())];
  if (missing.length > 0)
    throw new MissingProgram(
      `a node needs more programs; install them with: apt-get install ${missing.join(" ")}`,
    );
}

async function isInPath(command: string, path: string): Promise<boolean> {
  const tries = path.split(":").map((folder) => access(join(folder, command), constants.X_OK));
  return Promise.any(tries).then(
    () => true,
    () => false,
  );
}
