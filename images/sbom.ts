import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { z } from "zod";
import type { Package } from "./packages.ts";
import { root } from "./programs.ts";

const component = z.looseObject({ "bom-ref": z.string() });
/** CycloneDX 1.5, what is needed of it here; the rest is kept as it comes. */
const bom = z.looseObject({
  $schema: z.string(),
  bomFormat: z.literal("CycloneDX"),
  specVersion: z.string(),
  version: z.number(),
  metadata: z.looseObject({ tools: z.array(z.unknown()), component }),
  components: z.array(component),
  dependencies: z.array(z.object({ ref: z.string(), dependsOn: z.array(z.string()) })),
});
export type Bom = z.infer<typeof bom>;

/** What npm says of everything that the lock file names, development's tools too. */
export async function describeLock(): Promise<Bom> {
  // Not --omit dev: npm then leaves out packages that a tool needs as well as a program.
  const args = ["sbom", "--sbom-format", "cyclonedx", "--package-lock-only"];
  const { stdout } = await promisify(execFile)("npm", args, { cwd: root, maxBuffer: 64 << 20 });
  return bom.parse(JSON.parse(stdout));
}

export interface Subject {
  readonly name: string;
  readonly version: string;
}

/**
 * The bill of one image: of all that npm lists, the packages that are in its bundle. It has no
 * serial number and no time, which CycloneDX leaves optional: the same sources give the same bill.
 * @throws when npm does not list a package that is in the bundle
 */
export function narrowBom(all: Bom, subject: Subject, packages: readonly Package[]): object {
  const { $schema, bomFormat, specVersion, version, metadata, components, dependencies } = all;
  const kept = new Set(packages.map((found) => `${found.name}@${found.version}`));
  const listed = new Set(components.map((found) => found["bom-ref"]));
  const missing = [...kept].filter((ref) => !listed.has(ref));
  if (missing.length > 0) throw new Error(`not in npm's bill of materials: ${missing.join(", ")}`);
  const self = `${subject.name}@${subject.version}`;
  const npmSelf = metadata.component["bom-ref"];
  return {
    $schema,
    bomFormat,
    specVersion,
    version,
    metadata: {
      lifecycles: [{ phase: "build" }],
      tools: metadata.tools,
      component: { "bom-ref": self, type: "application", ...subject },
    },
    components: components.filter((found) => kept.has(found["bom-ref"])),
    dependencies: dependencies
      .filter(({ ref }) => ref === npmSelf || kept.has(ref))
      .map(({ ref, dependsOn }) => ({
        ref: ref === npmSelf ? self : ref,
        dependsOn: dependsOn.filter((on) => kept.has(on)),
      })),
  };
}
