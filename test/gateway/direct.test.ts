import { createHash, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { makeAuthority } from "../helpers/certificates.ts";
import { eventually } from "../helpers/eventually.ts";
import { startFaultAppliance } from "../helpers/faultAppliance.ts";
import { makeFolder } from "../helpers/folder.ts";
import { draw, metric, startTestGateway, withKey } from "./helpers/gateway.ts";

test("Direct mode fetches from its sources, stops when full, and listens for no pushes", async () => {
  await using folder = await makeFolder();
  const authority = await makeAuthority();
  const given: Buffer[] = [];
  await using appliance = await startFaultAppliance({
    identity: await authority.issue(),
    reply: (response) => {
      const bytes = randomBytes(1024);
      given.push(bytes);
      response.writeHead(200, { "content-type": "application/octet-stream" }).end(bytes);
    },
  });
  await writeFile(folder.at("ca.pem"), authority.certificate);
  await using gateway = await startTestGateway({
    deployment_mode: "Direct",
    buffer_size: 4096,
    max_request_bytes: 4096,
    direct_mode_config: {
      appliance_url: appliance.url,
      appliance_ca_file: folder.at("ca.pem"),
      fetch_chunk_size: 1024,
      fetch_interval: 0,
    },
  });
  await eventually(async () => (await metric(gateway, "qrng_gateway_buffer_bytes")) === 4096);
  const status = await fetch(`${gateway.api}/api/status`, { headers: withKey });
  expect(await status.json()).toMatchObject({
    deployment_mode: "Direct",
    buffer_fill_percent: 100,
  });
  const drawn = Buffer.from(
    await (await draw(gateway, "?bytes=4096&encoding=binary")).arrayBuffer(),
  );
  expect(drawn.equals(Buffer.concat(given.slice(0, 4)))).toBe(true);
  await eventually(async () => (await metric(gateway, "qrng_gateway_buffer_bytes")) === 4096);
  const fetched = await metric(gateway, 'qrng_source_fetched_bytes_total{source="appliance"}');
  expect(fetched).toBeLessThanOrEqual(10 * 1024); // one waits to be mixed, one is under test
  const listeners = gateway.captured.lines().map((line) => line["listener"]);
  expect(listeners).not.toContain("push");
});

test("Direct mode cuts off a source that fails a test, takes back its bytes and says so", async () => {
  await using folder = await makeFolder();
  const authority = await makeAuthority();
  let answers = 0;
  await using appliance = await startFaultAppliance({
    identity: await authority.issue(),
    reply: (response) => {
      const bytes = randomBytes(1024);
      answers += 1;
      if (answers === 3) bytes.fill(7, 100, 140);
      response.writeHead(200, { "content-type": "application/octet-stream" }).end(bytes);
    },
  });
  await writeFile(folder.at("ca.pem"), authority.certificate);
  await using gateway = await startTestGateway({
    deployment_mode: "Direct",
    conditioning: "Hash",
    min_entropy_millibits_per_byte: 7900,
    direct_mode_config: {
      appliance_url: appliance.url,
      appliance_ca_file: folder.at("ca.pem"),
      fetch_chunk_size: 1024,
      fetch_interval: 1,
    },
  });
  await eventually(
    async () => (await metric(gateway, 'qrng_source_failed{source="appliance"}')) === 1,
  );
  expect(await metric(gateway, "qrng_gateway_buffer_bytes")).toBe(0);
  expect(await metric(gateway, 'qrng_gateway_bytes_total{flow="alarm"}')).toBe(28 * 64);
  const status = await fetch(`${gateway.api}/api/status`, { headers: withKey });
  expect(((await status.json()) as { warnings: string[] }).warnings).toContain(
    "quarantine: nothing comes from appliance (failed: repetition count)",
  );
  expect((await draw(gateway, "?bytes=16")).status).toBe(503);
});

describe("Direct mode mixes as a collector does", () => {
  /** A bridge of two simulated appliances, and what each has given. */
  async function startMixing(strategy: "Xor" | "Hash") {
    await using undo = new AsyncDisposableStack();
    const folder = undo.use(await makeFolder());
    const authority = await makeAuthority();
    await writeFile(folder.at("ca.pem"), authority.certificate);
    const start = async (name: string) => {
      const given: Buffer[] = [];
      const source = { name, given, isBroken: false };
      const appliance = undo.use(
        await startFaultAppliance({
          identity: await authority.issue(),
          reply: (response) => {
            const bytes = randomBytes(1024);
            if (source.isBroken) bytes.fill(7, 100, 140);
            given.push(Buffer.from(bytes));
            response.writeHead(200, { "content-type": "application/octet-stream" }).end(bytes);
          },
        }),
      );
      const entry = { name, type: "Quantis" as const, url: appliance.url, simulated: true };
      return { source, entry: { ...entry, ca_file: folder.at("ca.pem") } };
    };
    const [first, second] = [await start("first"), await start("second")];
    const gateway = undo.use(
      await startTestGateway({
        deployment_mode: "Direct",
        buffer_size: 4096,
        max_request_bytes: 4096,
        direct_mode_config: {
          sources: [first.entry, second.entry],
          mixing: { strategy },
          fetch_chunk_size: 1024,
          fetch_interval: 1,
        },
      }),
    );
    const status = async (): Promise<unknown> =>
      (await fetch(`${gateway.api}/api/status`, { headers: withKey })).json();
    const stack = undo.move();
    return {
      gateway,
      sources: [first.source, second.source] as const,
      status,
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  }

  const mixes = {
    Xor: (first: Buffer, second: Buffer): Buffer =>
      Buffer.from(first.map((byte, index) => byte ^ second[index]!)),
    Hash: (first: Buffer, second: Buffer): Buffer => {
      const input = Math.ceil(576_000 / 7_900);
      const blocks = Array.from({ length: 3072 / 64 }, (_, block) => {
        const part = (data: Buffer): Buffer => data.subarray(block * input, (block + 1) * input);
        return createHash("sha512").update(part(first)).update(part(second)).digest();
      });
      return Buffer.concat(blocks);
    },
  } as const;

  test.each(["Xor", "Hash"] as const)("%s of both, and of no fewer", async (strategy) => {
    await using mixing = await startMixing(strategy);
    const { gateway, sources, status } = mixing;
    const [, second] = sources;
    // Hash has room for whole blocks only.
    await eventually(async () => (await metric(gateway, "qrng_gateway_buffer_bytes")) >= 3072);
    expect(await status()).toMatchObject({
      status: "healthy",
      simulated: true,
      warnings: [expect.stringMatching(/^simulated: /)],
    });
    second.isBroken = true;
    const drawn = await (await draw(gateway, "?bytes=3072&encoding=binary")).arrayBuffer();
    const [whole, other] = sources.map(({ given }) => Buffer.concat(given).subarray(0, 8192));
    const expected = mixes[strategy](whole!, other!).subarray(0, 3072);
    expect(Buffer.from(drawn).equals(expected)).toBe(true);

    const failed = 'qrng_source_failed{source="second"}';
    await eventually(async () => (await metric(gateway, failed)) === 1);
    expect(await status()).toMatchObject({
      status: "unhealthy",
      buffer_bytes_available: 0,
      warnings: [
        expect.stringMatching(/^simulated: /),
        "quarantine: nothing comes from second (failed: repetition count)",
        expect.stringMatching(/^empty: /),
      ],
    });
    expect(await metric(gateway, 'qrng_source_failed{source="first"}')).toBe(0);
    expect((await draw(gateway, "?bytes=1")).status).toBe(503);
  });
});
