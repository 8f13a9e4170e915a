import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { createHttpService } from "../../mcp/httpService.ts";
import type { RandomService } from "../../gateway/mcp/service.ts";
import { withKey } from "../gateway/helpers/gateway.ts";
import { startFilled } from "./helpers/gateway.ts";

/** A server that answers everything alike, and the service that takes it for a gateway. */
async function startAnswering(answer: RequestListener) {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const service = createHttpService({
    url: new URL(`http://127.0.0.1:${port}/prefix/`),
    key: "k".repeat(30),
  });
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  return { service, [Symbol.asyncDispose]: close };
}

const { signal } = new AbortController();
const bytes = (service: RandomService): Promise<unknown> => service.bytes(4, "hex", signal);
const integers = (service: RandomService): Promise<unknown> =>
  service.integers({ count: 2, min: 0n, max: 9n }, signal);
const uuid = (service: RandomService): Promise<unknown> => service.uuids(1, signal);
const status = (service: RandomService): Promise<unknown> => service.status(signal);

test("asks with the key, under the prefix of the URL, and bends no number", async () => {
  const asked: unknown[] = [];
  await using made = await startAnswering(({ url, headers }, response) => {
    asked.push([url, headers.authorization]);
    response.end("[1,2]");
  });
  const range = { count: 2, min: -(2n ** 63n), max: 2n ** 63n - 1n };
  expect(await made.service.integers(range, signal)).toEqual([1, 2]);
  const query = "count=2&min=-9223372036854775808&max=9223372036854775807";
  expect(asked).toEqual([[`/prefix/api/integers?${query}`, `Bearer ${"k".repeat(30)}`]]);
});

test.each<[string, typeof bytes, string]>([
  ["too few bytes", bytes, "00ff00"],
  ["no hex", bytes, "<html>ok"],
  ["a page", bytes, "<html>sign in</html>"],
  ["an empty answer", bytes, ""],
  ["no JSON", integers, "<html>"],
  ["too few integers", integers, "[1]"],
  ["no integers", integers, "[1, 2.5]"],
  ["no UUID", uuid, "not-a-uuid"],
  ["no status", status, "{}"],
  ["an endless answer", bytes, "0".repeat(9 * 2 ** 20)],
])("%s is not taken for a gateway's answer", async (_what, ask, body) => {
  await using made = await startAnswering((_request, response) => response.end(body));
  await expect(ask(made.service)).rejects.toMatchObject({
    status: 502,
    code: "ERR_GATEWAY_ANSWER",
    message: "the answer is not one of a QRNG Bridge gateway",
  });
});

test("what is not a gateway's problem is told by its status; redirects are not followed", async () => {
  await using made = await startAnswering((_request, response) => {
    response.writeHead(307, { location: "/elsewhere", "retry-after": "7" }).end("secret page");
  });
  await expect(bytes(made.service)).rejects.toMatchObject({
    code: "ERR_GATEWAY_ANSWER",
    message: "something before the gateway answered 307",
    headers: { "retry-after": "7" },
  });
});

test("an answer that is cut is a problem", async () => {
  await using made = await startAnswering((_request, response) => {
    response.writeHead(200, { "content-length": "8" }).write("00");
    setTimeout(() => response.destroy(), 20);
  });
  await expect(bytes(made.service)).rejects.toMatchObject({ code: "ERR_GATEWAY_UNREACHABLE" });
});

test("a call that nobody waits for any more is given up", async () => {
  await using made = await startAnswering(() => undefined);
  const leaving = new AbortController();
  setTimeout(() => leaving.abort(), 20);
  await expect(made.service.floats(1, leaving.signal)).rejects.toMatchObject({ status: 502 });
});

test("a gateway that says more of itself than this version knows is understood", async () => {
  await using filled = await startFilled(0);
  const known = (await (
    await fetch(`${filled.gateway.api}/api/status`, { headers: withKey })
  ).json()) as { quality: object };
  const more = { ...known, later: 1, quality: { ...known.quality, later: 2 } };
  await using made = await startAnswering((_request, response) => {
    response.end(JSON.stringify(more));
  });
  expect(await made.service.status(signal)).toEqual(known);
});
