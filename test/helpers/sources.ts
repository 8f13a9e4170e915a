import { writeFile } from "node:fs/promises";
import { expect } from "vitest";
import { z } from "zod";
import { listSources, sourceFields } from "../../common/sources/config.ts";
import { createSource } from "../../common/sources/create.ts";
import { SourceError, type Source } from "../../common/sources/source.ts";
import { captureLog } from "./capturedLog.ts";
import { makeFolder } from "./folder.ts";

/** A source that ends with its test: `await using source = await openSource({ … })`. */
export type OpenSource = Source & AsyncDisposable;

/** What the config says, and the text of the files that it names. */
export interface Described {
  readonly entry: Readonly<Record<string, unknown>>;
  /** By field, such as `ca_file`; files with secrets are written so that only their owner can read them. */
  readonly files?: Readonly<Record<string, string | undefined>>;
  readonly log?: Parameters<typeof createSource>[1];
}

/** A source of any type, by way of the config's schema. */
export async function openSource({ entry, files = {}, log }: Described): Promise<OpenSource> {
  const folder = await makeFolder();
  const paths: Record<string, string> = {};
  for (const [field, text] of Object.entries(files)) {
    if (text === undefined) continue;
    paths[field] = folder.at(field);
    await writeFile(folder.at(field), text, { mode: 0o600 });
  }
  const config = z.object(sourceFields).parse({ sources: [{ name: "lab", ...entry, ...paths }] });
  const [listed] = listSources(config);
  const source = await createSource(listed ?? expect.fail(), log ?? captureLog().log);
  return {
    ...source,
    [Symbol.asyncDispose]: async () => {
      source.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

export function fetchFrom(source: Source): Promise<Buffer> {
  return source.fetch(new AbortController().signal);
}

/** The error of a fetch that has to fail. */
export async function refusalOf(fetching: Promise<Buffer>): Promise<SourceError> {
  const error: unknown = await fetching.then(
    () => expect.fail("gave bytes"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SourceError);
  return error as SourceError;
}
