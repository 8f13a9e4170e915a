import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { EntropyBuffer } from "../../gateway/buffer.ts";
import { WaitQueue } from "../../gateway/draw/waitQueue.ts";
import { eventually } from "../helpers/eventually.ts";
import { ManualClock } from "../helpers/manualClock.ts";
import {
  apiKey,
  fill,
  metric,
  startTestGateway,
  withKey,
  type TestGateway,
} from "./helpers/gateway.ts";

const immediate = { window: { future: 0 } };

async function filled(bytes: number, config: Parameters<typeof startTestGateway>[0] = {}) {
  const gateway = await startTestGateway({ ...config, push: { ...immediate, ...config.push } });
  const data = randomBytes(bytes);
  if (bytes > 0) await fill(gateway, data);
  return { gateway, data, [Symbol.asyncDispose]: () => gateway.stop() };
}

const get = (gateway: TestGateway, path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${gateway.api}/api/${path}`, { headers: withKey, ...init });

async function json(gateway: TestGateway, path: string): Promise<unknown> {
  const response = await get(gateway, path);
  expect([path, response.status]).toEqual([path, 200]);
  expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
  expect(response.headers.get("cache-control")).toBe("no-store");
  return response.json();
}

describe("shapes", () => {
  test("integers: numbers while the range is exact, texts beyond", async () => {
    await using made = await filled(10_000);
    const { gateway } = made;
    expect(await json(gateway, "integers")).toEqual([expect.any(Number)]);
    expect(await json(gateway, "integers?count=3&min=5&max=5")).toEqual([5, 5, 5]);
    const safe = `integers?count=2&min=${Number.MIN_SAFE_INTEGER}&max=${Number.MAX_SAFE_INTEGER}`;
    expect(await json(gateway, safe)).toEqual([expect.any(Number), expect.any(Number)]);
    const unsigned = (await json(
      gateway,
      "integers?count=100&min=0&max=18446744073709551615",
    )) as string[];
    expect(unsigned.every((text) => /^\d{1,20}$/.test(text) && BigInt(text) < 2n ** 64n)).toBe(
      true,
    );
    const signed = (await json(
      gateway,
      "integers?count=100&min=-9223372036854775808&max=9223372036854775807",
    )) as string[];
    expect(signed.some((text) => text.startsWith("-"))).toBe(true);
  });

  test("floats, uuid, choice, shuffle, dice, and several random values", async () => {
    await using made = await filled(50_000);
    const { gateway } = made;
    const floats = (await json(gateway, "floats?count=1000")) as number[];
    expect(floats.length === 1000 && floats.every((value) => value >= 0 && value < 1)).toBe(true);
    const uuid = await get(gateway, "uuid");
    expect(uuid.headers.get("content-type")).toBe("text/plain; charset=us-ascii");
    expect(await uuid.text()).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(new Set((await json(gateway, "uuid?count=50")) as string[]).size).toBe(50);
    const chosen = (await json(gateway, "choice?items=rot,grün,blau&count=30")) as string[];
    expect(new Set(chosen)).toEqual(new Set(["rot", "grün", "blau"]));
    const shuffled = (await json(gateway, "shuffle?items=a,b,c,d,e")) as string[];
    expect(shuffled.toSorted()).toEqual(["a", "b", "c", "d", "e"]);
    const dice = (await json(gateway, "dice?count=200")) as number[];
    expect(new Set(dice)).toEqual(new Set([1, 2, 3, 4, 5, 6]));
    const values = (await json(gateway, "random?bytes=4&count=3")) as string[];
    expect(values.every((value) => /^[0-9a-f]{8}$/.test(value))).toBe(true);
  });

  test("count in /api/random gives the buffer's bytes in order", async () => {
    await using made = await filled(12);
    const values = await json(made.gateway, "random?bytes=4&count=3&encoding=base64");
    const wanted = [0, 4, 8].map((at) => made.data.subarray(at, at + 4).toString("base64"));
    expect(values).toEqual(wanted);
  });
});

test.each([
  ["integers?min=2&max=1", "min: must not be above max"],
  ["integers?min=-1&max=9223372036854775808", "64 bits together"],
  ["integers?max=18446744073709551616", "max"],
  ["integers?min=1.5", "min"],
  ["integers?min=1e3", "min"],
  ["integers?min=-0", "min"],
  ["integers?min=%2B1", "min"],
  ["integers?count=0", "count"],
  ["integers?count=10001", "count"],
  ["integers?cuont=2", "unknown parameter; did you mean count?"],
  ["floats?min=0", "unknown parameter"],
  ["choice", "items"],
  ["choice?items=", "items"],
  ["dice?sides=1", "sides"],
  ["random?bytes=4&count=2&encoding=binary", "encoding"],
  ["random?bytes=1048576&count=2", "one request may draw 1048576"],
  ["random?wait=31", "wait"],
  ["stream", "bytes"],
  ["status?x=1", "unknown parameter"],
])("%s is refused by name", async (path, named) => {
  await using made = await filled(100);
  const response = await get(made.gateway, path);
  const problem = (await response.json()) as { detail: string };
  expect(problem).toMatchObject({ status: 400, code: "ERR_QUERY" });
  expect(problem.detail).toContain(named);
  expect(await metric(made.gateway, "qrng_gateway_buffer_bytes")).toBe(100);
});

describe("wait", () => {
  test("gives the bytes as soon as they have come", async () => {
    await using made = await filled(0);
    const waiting = get(made.gateway, "random?bytes=16&wait=30");
    await eventually(
      async () => (await metric(made.gateway, "qrng_gateway_waiting_requests")) === 1,
    );
    const data = randomBytes(16);
    await fill(made.gateway, data);
    expect(await (await waiting).text()).toBe(data.toString("hex"));
  });

  test("ends with 503 when nothing comes, and when too many wait", async () => {
    await using made = await filled(0, { max_waiting: 1 });
    const first = get(made.gateway, "random?wait=1");
    await eventually(
      async () => (await metric(made.gateway, "qrng_gateway_waiting_requests")) === 1,
    );
    expect((await get(made.gateway, "random?wait=30")).status).toBe(503);
    expect((await first).status).toBe(503);
  });

  test("of a client that has left takes nothing", async () => {
    await using made = await filled(0);
    const leaving = new AbortController();
    const waiting = get(made.gateway, "random?wait=30", { signal: leaving.signal });
    await eventually(
      async () => (await metric(made.gateway, "qrng_gateway_waiting_requests")) === 1,
    );
    leaving.abort();
    await expect(waiting).rejects.toThrow();
    await eventually(
      async () => (await metric(made.gateway, "qrng_gateway_waiting_requests")) === 0,
    );
    await fill(made.gateway, randomBytes(32));
    expect(await metric(made.gateway, "qrng_gateway_buffer_bytes")).toBe(32);
  });

  test("is fair: who came first is served first, also when the next one needs less", async () => {
    const clock = new ManualClock();
    const buffer = new EntropyBuffer({ capacity: 1000, maxAge: 60_000, overflow: "Reject", clock });
    const queue = new WaitQueue(buffer, 10);
    const { signal } = new AbortController();
    const order: string[] = [];
    const wait = async (name: string, bytes: number): Promise<void> => {
      const draw = await queue.take(bytes, 60_000, signal);
      order.push(`${name} ${draw?.bytes}`);
      draw?.release();
    };
    const all = [wait("large", 100), wait("small", 1)];
    buffer.add(Buffer.alloc(60), 0);
    expect(queue.takeNow(1)).toBeUndefined();
    buffer.add(Buffer.alloc(60), 0);
    await Promise.all(all);
    expect(order).toEqual(["large 100", "small 1"]);
    expect(queue.takeNow(19)?.bytes).toBe(19);
  });

  test("who gives up lets the one behind come forward", async () => {
    const clock = new ManualClock();
    const buffer = new EntropyBuffer({ capacity: 1000, maxAge: 60_000, overflow: "Reject", clock });
    const queue = new WaitQueue(buffer, 10);
    const leaving = new AbortController();
    const large = queue.take(100, 60_000, leaving.signal);
    const small = queue.take(10, 60_000, new AbortController().signal);
    buffer.add(Buffer.alloc(20), 0);
    leaving.abort();
    expect(await large).toBeUndefined();
    expect((await small)?.bytes).toBe(10);
  });
});

describe("GET /api/stream", () => {
  test("gives more than the buffer holds, as it comes in", async () => {
    await using made = await filled(50_000, {
      buffer_size: 100_000,
      max_request_bytes: 100_000,
      push: { max_packet_size: 100_000 },
    });
    const pushed = [made.data];
    const response = await get(made.gateway, "stream?bytes=250000&wait=30");
    expect(response.headers.get("content-length")).toBe("250000");
    const reading = response.arrayBuffer();
    while (pushed.reduce((sum, data) => sum + data.length, 0) < 250_000) {
      await eventually(
        async () => (await metric(made.gateway, "qrng_gateway_buffer_bytes")) < 50_000,
      );
      pushed.push(randomBytes(50_000));
      await fill(made.gateway, pushed.at(-1)!);
    }
    expect(Buffer.from(await reading).equals(Buffer.concat(pushed))).toBe(true);
  });

  test("is a 503 when it cannot start, and is cut when it runs dry", async () => {
    await using made = await filled(70_000);
    const dry = await get(made.gateway, "stream?bytes=140000");
    expect(dry.status).toBe(200);
    await expect(dry.arrayBuffer()).rejects.toThrow();
    expect((await get(made.gateway, "stream?bytes=140000")).status).toBe(503);
  });

  test("is paced by the key's limit of bytes", async () => {
    const rate_limit = { bytes_per_second: 100_000 };
    await using made = await filled(300_000, { rate_limit, max_request_bytes: 100_000 });
    const paced = await get(made.gateway, "stream?bytes=150000&wait=30");
    expect((await paced.arrayBuffer()).byteLength).toBe(150_000);
    const limited = await get(made.gateway, "stream?bytes=150000");
    await limited.arrayBuffer().catch(() => undefined);
    expect(await metric(made.gateway, 'qrng_gateway_bytes_total{flow="served"}')).toBeLessThan(
      300_000,
    );
  });

  test("a client that does not read holds a piece, not the buffer, and stops the draw when it goes", async () => {
    const size = { buffer_size: "16MiB", max_request_bytes: "1MiB" };
    await using made = await filled(16 * 2 ** 20, { ...size, push: { max_packet_size: "16MiB" } });
    const { hostname, port } = new URL(made.gateway.api);
    const stalled = connect(Number(port), hostname).pause();
    stalled.on("error", () => undefined);
    stalled.write(
      `GET /api/stream?bytes=99999999 HTTP/1.1\r\nhost: x\r\nx-api-key: ${apiKey}\r\n\r\n`,
    );
    const served = (): Promise<number> =>
      metric(made.gateway, 'qrng_gateway_bytes_total{flow="served"}');
    // The kernel takes some MiB; then it stands still.
    let last = -1;
    await eventually(async () => {
      const before = last;
      last = await served();
      await new Promise((resolve) => setTimeout(resolve, 200));
      return last > 0 && last === before;
    });
    expect(last).toBeLessThan(14 * 2 ** 20);
    stalled.destroy();
    await eventually(async () => (await get(made.gateway, "random?bytes=1")).status === 200);
    expect((await served()) - last).toBeLessThan(2 * 65_536 + 2);
  });
});

test("the document describes every route, its parameters and its answers", async () => {
  await using gateway = await startTestGateway();
  const response = await fetch(`${gateway.api}/api/openapi.json`);
  const document = (await response.json()) as {
    openapi: string;
    paths: Record<string, { get?: { parameters: unknown[] } }>;
  };
  expect(document.openapi).toBe("3.1.0");
  const names =
    "choice dice floats integers random shuffle status stream test/monte-carlo test/quality uuid";
  expect(Object.keys(document.paths).toSorted()).toEqual(
    names.split(" ").map((name) => `/api/${name}`),
  );
  expect(document.paths["/api/random"]?.get?.parameters).toContainEqual(
    expect.objectContaining({
      name: "bytes",
      in: "query",
      required: false,
      schema: { type: "integer", minimum: 1, maximum: 1_048_576, default: 32 },
    }),
  );
});
