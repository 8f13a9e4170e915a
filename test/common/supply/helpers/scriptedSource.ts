import {
  SourceError,
  type Retry,
  type Source,
  type SourceErrorCode,
} from "../../../../common/sources/source.ts";

/** A chunk, or a throw, for each fetch; the last of them for all that follow. */
export type Script = readonly (() => Buffer)[];

export interface ScriptedSource extends Source {
  /** Every chunk that it gave, as the same memory. */
  readonly given: readonly Buffer[];
  fetches(): number;
  isClosed(): boolean;
}

export function fails(code: SourceErrorCode, retry?: Retry): () => never {
  return () => {
    throw new SourceError(code, "no", retry === undefined ? {} : { retry });
  };
}

export interface ScriptedOptions {
  readonly name?: string;
  readonly chunkBytes: number;
  /** Called at the start of each fetch. */
  readonly onFetch?: () => void;
}

/** A source without a network: what a test wrote down. */
export function scriptedSource(script: Script, options: ScriptedOptions): ScriptedSource {
  const given: Buffer[] = [];
  let fetches = 0;
  let closed = false;
  return {
    name: options.name ?? "fake",
    chunkBytes: options.chunkBytes,
    given,
    fetch: async () => {
      const step = script[Math.min(fetches, script.length - 1)]!;
      fetches += 1;
      options.onFetch?.();
      await Promise.resolve();
      const bytes = step();
      given.push(bytes);
      return bytes;
    },
    close: () => (closed = true),
    fetches: () => fetches,
    isClosed: () => closed,
  };
}
