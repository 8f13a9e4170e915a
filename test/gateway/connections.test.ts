import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { limitLifetimes } from "../../gateway/connections.ts";
import { eventually } from "../helpers/eventually.ts";

/** A server whose connections end at an age, and which answers when it is told to. */
async function startLimited(lifetime: number, cutsIdle = true) {
  const server: Server = createServer({ keepAliveTimeout: 600_000 });
  const asked: ServerResponse[] = [];
  const retireAll = limitLifetimes(server, {
    event: "connection",
    lifetime: () => lifetime,
    cutsIdle,
    listener: (_, response) => asked.push(response),
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const open = (): { socket: Socket; answer: () => string } => {
    const socket = connect(port, "127.0.0.1");
    let answer = "";
    socket.on("error", () => undefined).on("data", (piece) => (answer += piece.toString()));
    return { socket, answer: () => answer };
  };
  return {
    open,
    asked,
    retireAll,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const request = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";

test("an idle connection ends at its age", async () => {
  await using limited = await startLimited(50);
  const { socket } = limited.open();
  await eventually(() => socket.closed);
});

test("one that is idle then ends with its next answer, where it is not to be cut", async () => {
  await using limited = await startLimited(5_000, false);
  const young = limited.open();
  young.socket.write(request);
  await eventually(() => limited.asked.length === 1);
  limited.asked[0]!.end("first");
  await eventually(() => young.answer().includes("first"));
  expect(young.answer()).toMatch(/^connection: keep-alive\r\n/im);
  await delay(5_500); // past its age
  expect(young.socket.closed).toBe(false);
  young.socket.write(request);
  await eventually(() => limited.asked.length === 2);
  limited.asked[1]!.end("second");
  await eventually(() => young.socket.closed);
  expect(young.answer()).toMatch(/^connection: close\r\n[^]*second/im);
});

test("an answer under way at that age is whole, and says that the connection ends", async () => {
  await using limited = await startLimited(50);
  const { socket, answer } = limited.open();
  const idle = limited.open();
  socket.write(request);
  await eventually(() => limited.asked.length === 1);
  await eventually(() => idle.socket.closed); // by now the other is as old
  expect(socket.closed).toBe(false);
  limited.asked[0]!.end("whole");
  await eventually(() => socket.closed);
  expect(answer()).toMatch(/^connection: close\r\n[^]*whole/im);
});

test("an answer whose head is out already is whole too", async () => {
  await using limited = await startLimited(600_000);
  const { socket, answer } = limited.open();
  socket.write(request);
  await eventually(() => limited.asked.length === 1);
  limited.asked[0]!.write("begun, ");
  await eventually(() => answer().includes("begun"));
  limited.retireAll();
  limited.asked[0]!.end("ended");
  await eventually(() => socket.closed);
  expect(answer()).toContain("ended");
});

test("until that age a connection serves one request after the other", async () => {
  await using limited = await startLimited(600_000);
  const { socket, answer } = limited.open();
  for (let number = 1; number <= 3; number++) {
    socket.write(request);
    await eventually(() => limited.asked.length === number);
    limited.asked[number - 1]!.end(`answer ${number}`);
    await eventually(() => answer().includes(`answer ${number}`));
  }
  expect(answer().toLowerCase()).not.toContain("connection: close");
});

test("all that are open can be ended, each after its answer", async () => {
  await using limited = await startLimited(600_000);
  const [idle, busy] = [limited.open(), limited.open()];
  await once(idle.socket, "connect");
  busy.socket.write(request);
  await eventually(() => limited.asked.length === 1);
  limited.retireAll();
  await eventually(() => idle.socket.closed);
  expect(busy.socket.closed).toBe(false);
  limited.asked[0]!.end("whole");
  await eventually(() => busy.socket.closed);
  expect(busy.answer()).toMatch(/^connection: close\r\n[^]*whole/im);
});
