import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { apiKey, type TestGateway } from "../../gateway/helpers/gateway.ts";

export interface KeyProxy extends AsyncDisposable {
  readonly url: string;
}

/** Passes requests on as they came, with a key added: the conformance suite cannot send one. */
export async function startKeyProxy(gateway: TestGateway): Promise<KeyProxy> {
  const { hostname, port } = new URL(gateway.api);
  const server = createServer((asked, answer) => {
    const { method, url: path, rawHeaders } = asked;
    const headers = [...rawHeaders, "x-api-key", apiKey];
    const passed = request({ hostname, port, method, path, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    passed.on("error", () => answer.destroy());
    answer.once("close", () => passed.destroy());
    asked.pipe(passed);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
