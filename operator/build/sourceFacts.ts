import type { FilesOfSource, MountedFile } from "./files.ts";
import type { SourceFacts } from "./sources.ts";

/** Where the sources' files are mounted, for the programs' configs. */
export function sourceFacts(
  files: Readonly<Record<string, FilesOfSource>>,
  proxyAuth?: MountedFile,
): SourceFacts {
  const paths = Object.entries(files).map(([source, { ca, auth, client }]) => [
    source,
    {
      caFile: ca?.path,
      authFile: auth?.path,
      certificateFile: client?.certificate.path,
      keyFile: client?.key.path,
    },
  ]);
  return { paths: Object.fromEntries(paths), proxyAuthFile: proxyAuth?.path };
}
