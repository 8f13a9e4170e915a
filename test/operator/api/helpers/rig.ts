import { systemScheduler, type Scheduler } from "../../../../common/scheduler.ts";
import { ApiClient } from "../../../../operator/api/client.ts";
import { RequestCounts } from "../../../../operator/api/requestCounts.ts";
import type { Resource } from "../../../../operator/api/resources.ts";
import { Transport } from "../../../../operator/api/transport.ts";
import { FaultApiServer } from "./faultApiServer.ts";

export const widgets: Resource = {
  group: "test.io",
  version: "v1",
  kind: "Widget",
  plural: "widgets",
};
/** The path of the widgets of namespace `a`. */
export const collection = "/apis/test.io/v1/namespaces/a/widgets";

export interface RigOptions {
  readonly scheduler?: Scheduler;
  /** For backoff; without it nothing waits. */
  readonly random?: () => number;
  readonly fence?: () => void;
  /** The `authorization` header. */
  readonly authorization?: () => string;
  readonly renew?: () => void;
}

/** A client and the server that it talks to. */
export async function startRig(options: RigOptions = {}) {
  const { scheduler = systemScheduler, random = () => 0, authorization, renew } = options;
  const server = await FaultApiServer.start();
  const counts = new RequestCounts();
  const transport = new Transport({
    credentials: {
      server: server.url,
      tls: { ca: server.ca },
      headers: async () => ({ authorization: authorization?.() ?? "Bearer t" }),
      renew: renew ?? (() => undefined),
    },
    scheduler,
    random,
    counts,
    ...(options.fence === undefined ? {} : { fence: options.fence }),
  });
  return {
    server,
    widgets: server.collections,
    transport,
    client: new ApiClient(transport, "test"),
    counts,
    scheduler,
    random,
    async [Symbol.asyncDispose]() {
      transport.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

export type Rig = Awaited<ReturnType<typeof startRig>>;
