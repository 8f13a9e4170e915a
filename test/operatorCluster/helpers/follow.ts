import { systemScheduler } from "../../../common/scheduler.ts";
import type { ApiClient } from "../../../operator/api/client.ts";
import type { ApiObject } from "../../../operator/api/object.ts";
import type { Selection } from "../../../operator/api/options.ts";
import type { Resource } from "../../../operator/api/resources.ts";
import { ListWatch, withoutManagedFields } from "../../../operator/engine/listWatch.ts";
import type { Change } from "../../../operator/engine/objectStore.ts";
import { captureLog } from "../../helpers/capturedLog.ts";

/** An informer and all that it told. */
export function follow(client: ApiClient, resource: Resource, selection: Selection) {
  const changes: Change<ApiObject>[] = [];
  const informer = new ListWatch<ApiObject>({
    client,
    resource,
    selection,
    project: withoutManagedFields,
    scheduler: systemScheduler,
    random: Math.random,
    log: captureLog().log,
  });
  informer.subscribe((change) => changes.push(change));
  return {
    informer,
    changes,
    /** `+a` added, `~a` changed, `-a` deleted. */
    told: () => changes.map(({ type, object }) => `${marks[type]}${object.metadata.name}`),
    versions: () =>
      new Map(
        [...informer.entries()].map(([, { metadata }]) => [
          metadata.name,
          metadata.resourceVersion,
        ]),
      ),
    [Symbol.asyncDispose]: () => informer.stop(),
  };
}

const marks = { added: "+", changed: "~", deleted: "-" } as const;
