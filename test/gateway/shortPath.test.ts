import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { z } from "zod";
import { bindRoute, textAnswer, type Route } from "../../gateway/api/route.ts";
import { createShortPath } from "../../gateway/api/shortPath.ts";
import { Traffic } from "../../gateway/api/traffic.ts";
import { KeyTable } from "../../gateway/api/keys.ts";
import { Problem } from "../../gateway/problem.ts";
import { captureLog } from "../helpers/capturedLog.ts";
import { eventually } from "../helpers/eventually.ts";
import { ManualClock } from "../helpers/manualClock.ts";
import { apiKey, fill, startTestGateway, ways, withKey } from "./helpers/gateway.ts";

/** What differs between any two answers. */
const changing = ["date", "ratelimit"];

test("both ways give the same answers, head by head and byte by byte", async () => {
  const data = randomBytes(60_000);
  const origin = "https://app.example";
  const paths = [
    "/api/random",
    "/api/random?bytes=1",
    "/api/random?encoding=base64&bytes=9000",
    "/api/random?bytes=%31%30",
    "/api/random?bytes=40&encoding=binary",
    "/api/random?bytes=16&count=3",
    "/api/random?bytes=16&count=3&encoding=binary",
    "/api/random?bytes=0",
    "/api/random?bytes=1&bytes=2",
    "/api/random?byte=1",
    "/api/random?api_key=x",
    "/api/random?bytes=1000000",
    "/api/random?bytes=5&wait=1",
    "/api/random?bytes=5&wait=31",
    "/api/random/",
    "/API/random",
    "/api/integers?count=50&min=-5&max=5",
    "/api/integers?min=5&max=1",
    "/api/floats?count=3",
    "/api/uuid",
    "/api/choice?items=a,b,c",
    "/api/shuffle?items=a,b,c",
    "/api/dice?count=5",
    "/api/stream?bytes=70000",
    "/api/stream?bytes=700",
    "/api/test/monte-carlo?iterations=1000",
    "/api/unknown",
  ];
  const answersBy = async (more: Readonly<Record<string, string>>): Promise<unknown[]> => {
    const config = { cors_origins: [origin], push: { window: { future: 0 } } };
    await using gateway = await startTestGateway(config);
    await fill(gateway, data);
    const answers: unknown[] = [];
    for (const path of paths) {
      for (const from of [{}, { origin }, { origin: "https://other.example" }]) {
        const headers = { ...withKey, ...more, ...from };
        const response = await fetch(gateway.api + path, { headers });
        const head = [...response.headers].filter(([name]) => !changing.includes(name));
        const body = await response.text().catch(() => "cut");
        answers.push([path, from, response.status, Object.fromEntries(head), body]);
      }
    }
    return answers;
  };
  const [short, koa] = await Promise.all(ways.map(({ more }) => answersBy(more)));
  expect(short).toHaveLength(3 * paths.length);
  expect(short).toEqual(koa);
});

const echo: Route<{ text?: string | undefined }> = {
  path: "/echo",
  methods: ["GET"],
  summary: "",
  query: z.strictObject({ text: z.string().max(3).optional() }),
  gives: {},
  answer: ({ text = "" }) => textAnswer(`it is ${text}`),
};
const post: Route<object> = { ...echo, path: "/post", methods: ["POST"] };
const wrong: Route<object> = {
  ...echo,
  path: "/wrong",
  answer: () => {
    throw new Error("the secret is 4242424242");
  },
};
const late: Route<object> = {
  ...echo,
  path: "/late",
  answer: () => Promise.reject(new Problem(503, "ERR_LATE", "too late")),
};
const leaving: Route<object> = {
  ...echo,
  path: "/leaving",
  answer: async (_query, { signal }) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => resolve());
    await promise;
    left.push("left");
    return textAnswer("to nobody");
  },
};
const left: string[] = [];

interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** The short path alone; what it leaves is answered 599. */
async function serveShortly() {
  const clock = new ManualClock(Date.UTC(2026, 0, 1));
  const rate_limit = { requests_per_second: 1_000, burst: 100_000, bytes_per_second: 1_000 };
  const table = new KeyTable({ rate_limit, max_request_bytes: 100 }, { clock });
  const keys = table.replace([{ name: "a", key: apiKey }]);
  const captured = captureLog("info");
  const traffic = new Traffic(["/echo", "/late", "/leaving", "/wrong"]);
  const served: string[] = [];
  const short = createShortPath({
    routes: [
      bindRoute(echo),
      bindRoute(post),
      bindRoute(wrong),
      bindRoute(late),
      bindRoute(leaving),
    ],
    endpoints: [],
    findKey: ({ "x-api-key": key }) => keys.find(String(key)),
    standing: { "x-standing": "yes" },
    corsOrigins: [],
    traffic,
    onServed: () => served.push("one"),
    now: () => clock.monotonic(),
    log: captured.log,
  });
  const server = createServer((request, response) => {
    if (!short(request, response)) response.writeHead(599).end();
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", () => listening.resolve());
  await listening.promise;
  const { port } = server.address() as AddressInfo;
  const ask = (path: string, { headers, ...init }: Asking = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${path}`, {
      ...init,
      headers: { "x-api-key": apiKey, ...headers },
    });
  return {
    ask,
    served,
    traffic,
    captured,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

test.each([
  ["a plain request", "/echo?text=abc", {}, 200],
  ["no query", "/echo", {}, 200],
  ["escapes in the query", "/echo?t%65xt=abc", {}, 200],
  ["a wrong query", "/echo?text=abcd", {}, 599],
  ["a parameter twice", "/echo?text=a&text=b", {}, 599],
  ["an unknown parameter", "/echo?other=a", {}, 599],
  ["a key in the query", `/echo?text=a&api_key=${apiKey}`, {}, 599],
  ["a key in the query, escaped", `/echo?text=a&%61pi_key=${apiKey}`, {}, 599],
  ["another path", "/ech", {}, 599],
  ["an escaped path", "/%65cho", {}, 599],
  ["a slash more", "/echo/", {}, 599],
  ["a very long URL", `/echo?text=abc${"&".repeat(300)}`, {}, 599],
  ["a route without GET", "/post", {}, 599],
  ["POST", "/echo", { method: "POST" }, 599],
  ["HEAD", "/echo", { method: "HEAD" }, 599],
  ["OPTIONS", "/echo", { method: "OPTIONS" }, 599],
  ["a choice of media types", "/echo", { headers: { accept: "text/plain" } }, 599],
  ["a wrong key", "/echo", { headers: { "x-api-key": `${apiKey}x` } }, 599],
])("what is plain is served, all else is left to Koa: %s", async (_what, path, init, status) => {
  await using way = await serveShortly();
  for (let time = 0; time < 2; time++) {
    const response = await way.ask(path, init);
    expect(response.status).toBe(status);
    if (status === 200) expect(response.headers.get("x-standing")).toBe("yes");
  }
  expect(way.served).toHaveLength(status === 200 ? 2 : 0);
});

test("each URL has its own answer, however many there are", async () => {
  await using way = await serveShortly();
  for (const round of [1, 2]) {
    for (let at = 0; at < 1_100; at += round) {
      const text = at.toString(36);
      expect(await (await way.ask(`/echo?text=${text}`)).text()).toBe(`it is ${text}`);
    }
  }
});

test("failures are answered and counted, and tell nothing that was not written for clients", async () => {
  await using way = await serveShortly();
  const failed = await way.ask("/wrong");
  expect(failed.headers.get("x-standing")).toBe("yes");
  expect(await failed.json()).toMatchObject({ status: 500, code: "ERR_INTERNAL" });
  expect(way.captured.text()).toContain("a request failed");
  expect(way.captured.text()).not.toContain("4242424242");
  expect(await (await way.ask("/late")).json()).toMatchObject({ status: 503, code: "ERR_LATE" });
  expect(way.served).toHaveLength(0);
  await eventually(() => way.traffic.exposition().includes('{route="/late",status="503"} 1'));
  expect(way.traffic.exposition()).toContain('{route="/wrong",status="500"} 1');
});

test("a client that leaves ends what is done for it", async () => {
  await using way = await serveShortly();
  const leave = new AbortController();
  const asked = way.ask("/leaving", { signal: leave.signal }).catch(() => "aborted");
  setTimeout(() => leave.abort(), 200);
  expect(await asked).toBe("aborted");
  await eventually(() => left.length === 1);
});
