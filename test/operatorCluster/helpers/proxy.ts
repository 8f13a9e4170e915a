import { once } from "node:events";
import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { Agent, createServer, request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { makeAuthority } from "../../helpers/certificates.ts";

/** A request on its way to the API server. */
export interface Passing {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  /** Changes something; Events and Leases, which are written beside the work, count as none. */
  readonly isWrite: boolean;
}

/** What a test does to requests. */
export interface Fault {
  /** Before a request is passed on; a status instead of nothing is the answer in its place. */
  readonly before?: (request: Passing) => Promise<Answer | undefined> | Answer | undefined;
  /** When the answer has come, which `lost` drops, and `torn` drops after its first half. */
  readonly after?: (request: Passing) => "lost" | "torn" | undefined;
}

export interface Answer {
  readonly status: number;
  readonly reason: string;
  /** Seconds. */
  readonly retryAfter?: number;
}

export interface Proxy extends AsyncDisposable {
  readonly url: URL;
  /** PEM, of the CA that its certificate is checked with. */
  readonly ca: string;
  /** What happens to requests from now on; nothing when left out. */
  set(fault?: Fault): void;
  /** All writes that were passed on so far. */
  writes(): readonly Passing[];
}

/** Stands before an API server, where it can answer, wait, and lose as servers and networks do. */
export async function startProxy(target: URL, targetCa: string): Promise<Proxy> {
  const authority = await makeAuthority("proxy");
  const { certificate, key } = await authority.issue();
  const agent = new Agent({ ca: targetCa, keepAlive: true });
  const writes: Passing[] = [];
  let fault: Fault = {};

  const server = createServer({ cert: certificate, key }, (near, answer) => {
    const { method = "", url = "", headers } = near;
    const passing = passingOf(method, new URL(url, target).pathname);
    const forward = async (): Promise<void> => {
      const body = await buffer(near);
      const { before, after } = fault;
      const instead = await before?.(passing);
      if (instead !== undefined) return refuse(answer, instead);
      if (passing.isWrite) writes.push(passing);
      const far = httpsRequest(new URL(url, target), { agent, method, headers: own(headers) });
      answer.on("close", () => far.destroy());
      far.end(body);
      const [response] = (await once(far, "response")) as [typeof near];
      const end = after?.(passing);
      if (end === "lost") return void near.socket.destroy();
      answer.writeHead(response.statusCode ?? 0, response.headers);
      if (end === "torn") {
        const whole = await buffer(response);
        return void answer.write(whole.subarray(0, whole.length / 2), () => near.socket.destroy());
      }
      response.on("error", () => near.socket.destroy());
      response.pipe(answer);
    };
    forward().catch(() => near.socket.destroy()); // as the API server's end
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`),
    ca: authority.certificate,
    set: (next = {}) => (fault = next),
    writes: () => writes,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      agent.destroy();
      await once(server, "close");
    },
  };
}

function passingOf(method: string, path: string): Passing {
  const isBeside = /\/(events|leases)(\/|$)/.test(path);
  return { method, path, isWrite: method !== "GET" && !isBeside };
}

/** The host is the API server's, not the proxy's. */
function own(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { host: _, ...others } = headers;
  return others;
}

function refuse(answer: ServerResponse, { status, reason, retryAfter }: Answer): void {
  const type = { "content-type": "application/json" };
  const wait = retryAfter === undefined ? {} : { "retry-after": String(retryAfter) };
  const body = { kind: "Status", apiVersion: "v1", status: "Failure", code: status, reason };
  answer.writeHead(status, { ...type, ...wait }).end(JSON.stringify(body));
}
