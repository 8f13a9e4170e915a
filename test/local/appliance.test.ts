import { buffer } from "node:stream/consumers";
import { Agent, request } from "node:https";
import { beforeAll, afterAll, describe, expect, test } from "vitest";
import { type ApplianceServer, startAppliance } from "../../local/appliance/server.ts";
import { createAuthority } from "../../local/certificates.ts";
import { captureLog } from "../helpers/capturedLog.ts";
import { fetchFrom, openSource } from "../helpers/sources.ts";

const captured = captureLog();
let appliance: ApplianceServer;
let ca: string;
let agent: Agent;

beforeAll(async () => {
  const authority = await createAuthority("test");
  ca = authority.certificate;
  agent = new Agent({ ca, keepAlive: true });
  const pair = await authority.issue({ usage: "server", names: ["127.0.0.1"] });
  const address = { host: "127.0.0.1", port: 0 };
  appliance = await startAppliance({ address, ...pair, log: captured.log });
});
afterAll(async () => {
  agent.destroy();
  await appliance.stop();
});

interface Reply {
  readonly status: number | undefined;
  readonly type: string | undefined;
  readonly body: Buffer;
}

async function call(path: string, method = "GET", body?: string): Promise<Reply> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const options = { ...appliance.address, path, method, agent };
  const sent = request(options, (response) => {
    const { statusCode: status, headers } = response;
    buffer(response).then(
      (received) => resolve({ status, type: headers["content-type"], body: received }),
      reject,
    );
  });
  sent.on("error", reject).end(body);
  return promise;
}

const get = (call_: string): Promise<Reply> => call(`/api/2.0/${call_}`);
const numbers = async (call_: string): Promise<number[]> =>
  JSON.parse((await get(call_)).body.toString()) as number[];

describe("streambytes", () => {
  test.each([1, 32, 65_536, 1_048_576])("gives %i raw bytes, others each time", async (size) => {
    const first = await get(`streambytes?size=${size}`);
    expect(first).toMatchObject({ status: 200, type: "application/octet-stream" });
    expect(first.body.length).toBe(size);
    if (size > 1) expect((await get(`streambytes?size=${size}`)).body).not.toEqual(first.body);
  });

  test.each(["", "?size=", "?size=0", "?size=-1", "?size=1048577", "?size=1e3", "?size=1&size=2"])(
    "%s is refused with what is right",
    async (query) => {
      const { status, type, body } = await get(`streambytes${query}`);
      expect({ status, type }).toEqual({ status: 400, type: "text/plain" });
      expect(body.toString()).toBe("size: a whole number from 1 to 1048576\n");
    },
  );

  test("is read by the bridge's own source, but only as a simulated one", async () => {
    const open = (simulated: boolean) =>
      openSource({
        entry: {
          type: "Quantis",
          url: `https://127.0.0.1:${appliance.address.port}`,
          fetch_chunk_size: 1000,
          simulated,
        },
        files: { ca_file: ca },
      });
    await using named = await open(true);
    expect((await fetchFrom(named)).length).toBe(1000);
    await using unnamed = await open(false);
    await expect(fetchFrom(unnamed)).rejects.toThrow("calls itself simulated");
  });
});

test("hexbytes gives hex text", async () => {
  const { type, body } = await get("hexbytes?size=16");
  expect(type).toBe("text/plain");
  expect(body.toString()).toMatch(/^[0-9a-f]{32}$/);
  expect((await get("hexbytes?size=x")).status).toBe(400);
});

describe("numbers in [min, max)", () => {
  const whole: [string, number, number][] = [
    ["int", -(2 ** 31), 2 ** 31 - 1],
    ["short", -(2 ** 15), 2 ** 15 - 1],
  ];
  test.each(whole)("%s: whole ones", async (name, min, max) => {
    const inRange = await numbers(`${name}?min=-2&max=3&quantity=500`);
    expect(new Set(inRange)).toEqual(new Set([-2, -1, 0, 1, 2]));
    const all = await numbers(`${name}?quantity=1000`);
    expect(all).toHaveLength(1000);
    expect(all.every((n) => Number.isInteger(n) && n >= min && n < max)).toBe(true);
    expect(Math.max(...all) - Math.min(...all)).toBeGreaterThan((max - min) * 0.9);
    for (const bad of [`min=${min - 1}`, `max=${max + 1}`, "min=3&max=3", "min=1.5", "min=a"]) {
      expect((await get(`${name}?${bad}`)).status).toBe(400);
    }
  });

  test.each(["float", "double"])("%s: fractions", async (name) => {
    const fractions = await numbers(`${name}?quantity=1000`);
    expect(fractions.every((n) => n >= 0 && n < 1)).toBe(true);
    expect(new Set(fractions).size).toBeGreaterThan(990);
    const narrow = await numbers(`${name}?min=-1.25&max=-1.0&quantity=100`);
    expect(narrow.every((n) => n >= -1.25 && n < -1)).toBe(true);
    for (const bad of ["min=1&max=1", "max=-1", "min=1e5", "min=NaN"]) {
      expect((await get(`${name}?${bad}`)).status).toBe(400);
    }
  });

  test("rounding never reaches the upper end", async () => {
    // Two neighbours among the doubles.
    const drawn = await numbers("double?min=9007199254740&max=9007199254740.002&quantity=100");
    expect(new Set(drawn)).toEqual(new Set([9007199254740]));
  });

  test("one when no quantity is given; at most 10,000", async () => {
    expect(await numbers("int")).toHaveLength(1);
    for (const bad of ["0", "10001", "-1", "x", ""]) {
      const { status, body } = await get(`int?quantity=${bad}`);
      expect(status).toBe(400);
      expect(body.toString()).toBe("quantity: a whole number from 1 to 10000\n");
    }
  });
});

test("performance is a bare number", async () => {
  expect(Number((await get("performance")).body.toString())).toBeGreaterThan(0);
});

test.each(["firmwareinfo", "softwareinfo", "systeminfo"])("%s says simulated", async (name) => {
  const { status, type, body } = await get(name);
  expect({ status, type }).toEqual({ status: 200, type: "text/plain" });
  expect(body.toString()).toContain("simulated");
});

test("what is not there is told with what is", async () => {
  for (const path of ["/", "/api/2.0/", "/api/2.0/toString", "/api/1.0/int", "/api/2.0/int/"]) {
    const { status, body } = await call(path);
    expect(status).toBe(404);
    expect(body.toString()).toContain("known here: /api/2.0/{streambytes,");
  }
});

test.each(["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])("%s is not a GET", async (method) => {
  const body = method === "POST" ? "x".repeat(100_000) : undefined;
  expect((await call("/api/2.0/int", method, body)).status).toBe(405);
  expect((await get("int")).status).toBe(200);
});

test("its log says simulated and holds no bytes", async () => {
  const { body } = await get("streambytes?size=64");
  expect(captured.messages()).toContain("this is a simulated appliance: not random hardware");
  expect(captured.text()).not.toContain(body.toString("hex").slice(0, 16));
});
