import { createSocket } from "node:dgram";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import { type AddressInfo, createServer } from "node:net";
import type { Listener } from "./arguments.ts";

export interface Listening extends AsyncDisposable {
  readonly port: number;
}

/** More at once are turned away by the kernel: attempts come one after the other. */
const connectionLimit = 64;
/** What attempts send is shorter. */
const datagramLimit = 64;

/** Takes connections on every address of the pod and ends them, or sends datagrams back. */
export function listen({ protocol, port }: Listener): Promise<Listening> {
  return protocol === "TCP" ? listenTcp(port) : listenUdp(port);
}

async function listenTcp(port: number): Promise<Listening> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined); // whoever connected has gone
    socket.end().resume();
  });
  server.maxConnections = connectionLimit;
  server.listen({ port }); // all addresses, of the families that there are
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}

async function listenUdp(port: number): Promise<Listening> {
  const socket = createSocket(hasIPv6() ? "udp6" : "udp4"); // udp6 takes IPv4 as well
  socket.on("message", (data, from) => {
    if (data.length <= datagramLimit) socket.send(data, from.port, from.address, () => undefined);
  });
  socket.bind({ port });
  await once(socket, "listening");
  socket.on("error", () => undefined); // an answer that nobody takes
  return {
    port: socket.address().port,
    async [Symbol.asyncDispose]() {
      const closed = once(socket, "close");
      socket.close();
      await closed;
    },
  };
}

function hasIPv6(): boolean {
  return Object.values(networkInterfaces()).some((all) =>
    all?.some(({ family }) => family === "IPv6"),
  );
}
