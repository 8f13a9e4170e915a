import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface TestAppliance extends AsyncDisposable {
  readonly url: string;
  /** What it gave, in order, as hex. */
  readonly given: readonly string[];
  /** From now on it gives this many chunks more, then fails. */
  allow(chunks: number): void;
}

/** A Quantis appliance as small as can be: random bytes over plain http on loopback. */
export async function startAppliance(chunks = Number.POSITIVE_INFINITY): Promise<TestAppliance> {
  const given: string[] = [];
  let left = chunks;
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://appliance");
    if (pathname === "/api/2.0/firmwareinfo") return response.end("firmware of a test");
    if (pathname !== "/api/2.0/streambytes" || left <= 0) return response.writeHead(500).end();
    left -= 1;
    const bytes = randomBytes(Number(searchParams.get("size")));
    given.push(bytes.toString("hex"));
    return response.writeHead(200, { "content-type": "application/octet-stream" }).end(bytes);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    given,
    allow: (more) => (left = more),
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
