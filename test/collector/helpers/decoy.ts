import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";

export interface Decoy extends AsyncDisposable {
  readonly url: string;
  connections(): number;
}

/** A server that nobody has a reason to connect to. */
export async function startDecoy(): Promise<Decoy> {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.on("error", () => undefined).end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/stolen`,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, "close");
    },
  };
}
