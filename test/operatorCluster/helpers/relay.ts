import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface Relay extends AsyncDisposable {
  readonly url: URL;
  /** Connections so far. */
  connections(): number;
  /** Connections that are open. */
  open(): number;
  /** Resets all connections. */
  cut(): void;
  /** Resets all connections, and new ones at once until `pass`. */
  block(): void;
  pass(): void;
}

/** A stretch of network between a client and an API server, which a test can cut. */
export async function startRelay(target: URL): Promise<Relay> {
  const sockets = new Set<Socket>();
  let connections = 0;
  let blocked = false;
  const server = createServer((near) => {
    if (blocked) return void near.resetAndDestroy();
    connections++;
    const far = connect(Number(target.port), target.hostname);
    sockets.add(near);
    near.on("error", () => far.destroy()).on("close", () => sockets.delete(near) && far.destroy());
    far.on("error", () => near.destroy()).on("close", () => near.destroy());
    near.pipe(far).pipe(near);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    url: new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`),
    connections: () => connections,
    open: () => sockets.size,
    cut,
    block: () => {
      blocked = true;
      cut();
    },
    pass: () => (blocked = false),
    [Symbol.asyncDispose]: async () => {
      server.close();
      cut();
      await once(server, "close");
    },
  };
}
