import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import type { Protocol } from "../../../common/probe/endpoint.ts";
import { systemScheduler } from "../../../common/scheduler.ts";
import { attempt } from "../../../gateway/probe/attempt.ts";
import { listen } from "../../../gateway/probe/listen.ts";
import { freePort } from "../../endToEnd/helpers/ports.ts";

const protocols: readonly Protocol[] = ["TCP", "UDP"];
const tryAt = (protocol: Protocol, port: number, host = "127.0.0.1") =>
  attempt({ protocol, host, port }, systemScheduler);

test.each(protocols)(
  "%s: who listens is reached, by its address of either family",
  async (protocol) => {
    await using listener = await listen({ protocol, port: 0 });
    expect(await tryAt(protocol, listener.port)).toBe("connected");
    expect(await tryAt(protocol, listener.port)).toBe("connected");
  },
);

test.each(protocols)("%s: where nobody listens it is refused", async (protocol) => {
  expect(await tryAt(protocol, await freePort())).toBe("refused");
});

test("UDP: who listens and says nothing is silent", async () => {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  expect(await tryAt("UDP", socket.address().port)).toBe("silent");
  socket.close();
});

/** Its queue is full and it takes nobody out, so the kernel drops what comes. */
async function startDeaf() {
  const program =
    "const s = require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }," +
    " () => console.log(s.address().port))";
  const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(line.toString());
  child.kill("SIGSTOP");
  const sockets = Array.from({ length: 4 }, () =>
    connect(port, "127.0.0.1").on("error", () => undefined),
  );
  await once(sockets[0]!, "connect");
  return {
    port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    },
  };
}

test("TCP: a SYN that nobody answers is silent", async () => {
  await using deaf = await startDeaf();
  expect(await tryAt("TCP", deaf.port)).toBe("silent");
});

test.each(protocols)("%s: what cannot be sent has failed, with the code", async (protocol) => {
  // The broadcast address is none that anybody may connect to.
  expect(await tryAt(protocol, 9, "255.255.255.255")).toMatch(/^failed E[A-Z]+$/);
});

test("a datagram that is too long is not sent back, so that nobody is flooded by it", async () => {
  await using listener = await listen({ protocol: "UDP", port: 0 });
  const socket = createSocket("udp4");
  const answers: number[] = [];
  socket.on("message", ({ length }) => answers.push(length));
  socket.send(Buffer.alloc(65), listener.port, "127.0.0.1");
  socket.send(Buffer.alloc(64), listener.port, "127.0.0.1");
  await once(socket, "message");
  expect(answers).toEqual([64]);
  socket.close();
});
