import { ListWatch } from "../../../../operator/engine/listWatch.ts";
import type { Change } from "../../../../operator/engine/objectStore.ts";
import { captureLog } from "../../../helpers/capturedLog.ts";
import { collection, widgets, type Rig } from "../../api/helpers/rig.ts";

/** What is held of a widget. */
export interface Widget {
  readonly name: string;
  readonly version: string;
}

/**
 * An informer of the widgets in a namespace, and all that it told.
 * @param onProject called with each name; may throw
 */
export function follow(
  { client, scheduler, random }: Rig,
  onProject: (name: string) => void = () => undefined,
  namespace = "a",
) {
  const changes: Change<Widget>[] = [];
  const captured = captureLog();
  const informer = new ListWatch<Widget>({
    client,
    resource: widgets,
    selection: { namespace },
    project: ({ metadata: { name, resourceVersion: version } }) => {
      onProject(name);
      return { name, version };
    },
    scheduler,
    random,
    log: captured.log,
  });
  informer.subscribe((change) => changes.push(change));
  return {
    informer,
    changes,
    captured,
    /** `+a` added, `~a` changed, `-a` deleted. */
    told: () => changes.map(({ type, object }) => `${marks[type]}${object.name}`),
    held: () => Object.fromEntries([...informer.entries()].map(([key, w]) => [key, w.version])),
    [Symbol.asyncDispose]: () => informer.stop(),
  };
}

const marks = { added: "+", changed: "~", deleted: "-" } as const;

/** What a follower of the widgets should hold. */
export function stored({ server }: Rig): Record<string, string> {
  const all = server.collections.list(collection);
  return Object.fromEntries(
    all.map(({ metadata }) => [`a/${metadata.name}`, metadata.resourceVersion]),
  );
}
