import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import type { OwnedObject } from "../../../operator/build/metadata.ts";
import { makeFacts, objectsOf } from "./facts.ts";
import { goldenNames, goldenSpecs } from "./specs.ts";

/** `npx vitest run test/operator/build/golden.test.ts -u` writes the files anew. */
const root = join(import.meta.dirname, "..", "golden");

describe.each(goldenNames)("%s", (name) => {
  const objects = objectsOf(makeFacts(goldenSpecs[name]));

  test.each(objects.map((object) => [fileOf(object), object] as const))(
    "%s",
    async (file, object) => {
      await expect(
        stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }),
      ).toMatchFileSnapshot(join(root, name, file));
    },
  );

  test("there is nothing else", () => {
    expect(readdirSync(join(root, name)).sort()).toEqual(objects.map(fileOf).sort());
  });
});

function fileOf({ kind, metadata }: OwnedObject): string {
  return `${kind}-${metadata.name}.yaml`;
}
