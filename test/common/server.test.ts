import { once } from "node:events";
import { createServer, get, type IncomingMessage, type Server } from "node:http";
import { networkInterfaces } from "node:os";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ConfigError } from "../../common/errors.ts";
import { close, listen, serverLimits } from "../../common/server.ts";

/** Containers can be without IPv6. */
const hosts = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ family }) => family === "IPv6"),
)
  ? ["127.0.0.1", "::1"]
  : ["127.0.0.1"];

let server: Server;
beforeEach(() => {
  server = createServer(serverLimits, (_, response) => void response.end("hello"));
});
afterEach(() => close(server, AbortSignal.abort()));

test.each(hosts)("port 0 of %s gives the port that the system picked", async (host) => {
  const address = await listen(server, { host, port: 0 }, "listen_address");
  expect(address.host).toBe(host);
  expect(address.port).toBeGreaterThan(0);
  expect(server.listening).toBe(true);
});

test.each(hosts)("who listens on :: is reached at %s, with IPv6 or without", async (host) => {
  const { port } = await listen(server, { host: "::", port: 0 }, "listen_address");
  const request = get({ host, port });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  expect(response.resume().statusCode).toBe(200);
});

test.each(hosts)("a taken port of %s is an error that names field and address", async (host) => {
  const { port } = await listen(server, { host, port: 0 }, "listen_address");
  const second = createServer();
  const error = await refusalOf(listen(second, { host, port }, "push.listen_address"));
  const shown = host === "::1" ? "[::1]" : host;
  expect(error.message).toBe(`push.listen_address: ${shown}:${port} is taken by another process`);
  expect(second.listening).toBe(false);
});

test("so is an address of another machine", async () => {
  const error = await refusalOf(listen(server, { host: "192.0.2.1", port: 0 }, "field"));
  expect(error.message).toBe("field: 192.0.2.1:0 is not an address of this machine");
});

test("so is anything else, by its code", async () => {
  // A link-local address without its link.
  const error = await refusalOf(listen(server, { host: "fe80::1", port: 0 }, "field"));
  expect(error.message).toMatch(/^field: \[fe80::1\]:0 cannot be had \([A-Z_]+\)$/);
});

test("close ends idle connections at once and waits for requests under way", async () => {
  const { promise: finish, resolve } = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  server.removeAllListeners("request");
  server.on("request", (_, response) => {
    started.resolve();
    void finish.then(() => response.end("late"));
  });
  const { port } = await listen(server, { host: "127.0.0.1", port: 0 }, "field");
  const answer = body(port);
  await started.promise;
  const closing = close(server, new AbortController().signal);
  resolve();
  expect(await answer).toBe("late");
  await closing;
  expect(server.listening).toBe(false);
});

test("close cuts requests under way when its signal aborts", async () => {
  const started = Promise.withResolvers<void>();
  server.removeAllListeners("request");
  server.on("request", () => started.resolve());
  const { port } = await listen(server, { host: "127.0.0.1", port: 0 }, "field");
  const answer = body(port).catch((error: unknown) => error);
  await started.promise;
  const stopping = new AbortController();
  const closing = close(server, stopping.signal);
  stopping.abort();
  await closing;
  expect(await answer).toMatchObject({ code: "ECONNRESET" });
});

test("closing what does not listen is nothing, also twice", async () => {
  await close(server, AbortSignal.abort());
  await listen(server, { host: "127.0.0.1", port: 0 }, "field");
  await close(server, AbortSignal.abort());
  await close(server, AbortSignal.abort());
});

async function body(port: number): Promise<string> {
  const request = get({ host: "127.0.0.1", port });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return Buffer.concat(await response.toArray()).toString();
}

async function refusalOf(listening: Promise<unknown>): Promise<ConfigError> {
  const error: unknown = await listening.then(
    () => expect.fail("listens"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConfigError);
  return error as ConfigError;
}
