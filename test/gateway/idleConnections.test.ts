import { randomBytes } from "node:crypto";
import { Agent } from "node:http";
import { connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { exchange } from "../endToEnd/helpers/exchange.ts";
import { launch, type Program, valueOf } from "../endToEnd/helpers/program.ts";
import { eventually } from "../helpers/eventually.ts";
import { makeFolder } from "../helpers/folder.ts";
import { apiKey, fill, ringKeyHex, withKey } from "./helpers/gateway.ts";

const most = 10_000;
/** At once under way: more than a listener's backlog would be tried again after a second. */
const together = 250;
/** Twice what was measured, with what a busy gateway holds anyway. */
const bytesPerConnection = 40 * 1024;

const config = {
  listen_address: "127.0.0.1:0",
  management_address: "127.0.0.1:0",
  api_keys: [{ name: "test", key: apiKey }],
  hmac_secret_key: ringKeyHex,
  max_connections: most,
  push: { listen_address: "127.0.0.1:0", window: { future: 0 } },
};

/** A connection that is kept alive after its first answer; undefined when it was refused. */
async function idle(gateway: Program): Promise<Socket | undefined> {
  const [host, port] = gateway.address("api").split(":");
  const socket = connect(Number(port), host);
  socket.on("error", () => undefined);
  socket.write("GET /health HTTP/1.1\r\nhost: x\r\n\r\n");
  const { promise, resolve } = Promise.withResolvers<Socket | undefined>();
  socket.once("data", () => resolve(socket));
  socket.once("close", () => resolve(undefined));
  return promise;
}

async function openMany(gateway: Program, count: number): Promise<(Socket | undefined)[]> {
  const sockets: (Socket | undefined)[] = [];
  while (sockets.length < count) {
    const size = Math.min(together, count - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: size }, () => idle(gateway)))));
  }
  return sockets;
}

const isOpen = (socket: Socket | undefined): socket is Socket => socket?.closed === false;

// A process of its own: each end of a connection is an open file, of which a process may have fewer
// than twice as many.
test("10,000 idle connections keep nobody from drawing; one more is refused until one leaves", async () => {
  await using folder = await makeFolder();
  await using gateway = await launch("gateway", config, { folder });
  const audience = gateway.address("push");
  await fill({ push: `http://${audience}/push`, audience }, randomBytes(100));
  const memory = async (): Promise<number> =>
    valueOf(await gateway.metrics(), "process_resident_memory_bytes");
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const url = `http://${gateway.address("api")}/api/random?bytes=1`;
  const draw = async () => (await exchange({ url, agent, headers: withKey })).status;

  const before = await memory();
  expect(await draw()).toBe(200);
  const sockets = await openMany(gateway, most - 1);
  expect(sockets.filter(isOpen).length).toBe(most - 1);
  for (let count = 0; count < 10; count++) expect(await draw()).toBe(200);
  expect(await memory()).toBeLessThan(before + most * bytesPerConnection);

  expect((await openMany(gateway, 5)).filter(isOpen).length).toBe(0);
  const leaving = sockets.splice(0, 7).filter(isOpen);
  for (const socket of leaving) socket.destroy();
  const back: Socket[] = [];
  await eventually(async () => {
    back.push(...(await openMany(gateway, 20)).filter(isOpen));
    return back.length >= leaving.length;
  });
  expect(back.length).toBe(leaving.length);
  expect(await draw()).toBe(200);

  for (const socket of [...sockets, ...back]) socket?.destroy();
  agent.destroy();
  await eventually(async () => {
    const again = (await openMany(gateway, together)).filter(isOpen);
    for (const socket of again) socket.destroy();
    return again.length === together;
  });
});
