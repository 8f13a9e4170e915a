import type { ObjectMetadata } from "../api/object.ts";

/** The owner's group and kind. */
export interface OwnerKind {
  readonly group: string;
  readonly kind: string;
}

/** What of an object's metadata says whom it concerns. */
export type Ties = Pick<ObjectMetadata, "namespace" | "labels" | "ownerReferences">;

/**
 * The key of the object that controls this one, if it is of that kind. Any version counts, since an
 * owner reference keeps the one it was written with.
 */
export function controllerKey(
  { namespace, ownerReferences = [] }: Ties,
  owner: OwnerKind,
): string[] {
  const found = ownerReferences.find(
    ({ controller, kind, apiVersion }) =>
      controller === true && kind === owner.kind && apiVersion.split("/")[0] === owner.group,
  );
  return found === undefined || namespace === undefined ? [] : [`${namespace}/${found.name}`];
}

/** The key of the object that a label names. */
export function labelledKey({ namespace, labels = {} }: Ties, label: string): string[] {
  const name = labels[label];
  return name === undefined || namespace === undefined ? [] : [`${namespace}/${name}`];
}

/** Who refers to whom, so that a change of the second is told to the first. */
export class References {
  readonly #targets = new Map<string, readonly string[]>();
  readonly #sources = new Map<string, Set<string>>();

  /** What `source` refers to from now on; nothing, when it is gone. */
  set(source: string, targets: readonly string[]): void {
    for (const target of this.#targets.get(source) ?? []) {
      const sources = this.#sources.get(target);
      sources?.delete(source);
      if (sources?.size === 0) this.#sources.delete(target);
    }
    this.#targets.delete(source);
    if (targets.length === 0) return;
    this.#targets.set(source, targets);
    for (const target of targets) {
      this.#sources.set(target, (this.#sources.get(target) ?? new Set()).add(source));
    }
  }

  /** Those who refer to `target`. */
  to(target: string): string[] {
    return [...(this.#sources.get(target) ?? [])];
  }
}
