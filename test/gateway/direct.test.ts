import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
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
  expect(await metric(gateway, 'qrng_source_fetched_bytes_total{source="appliance"}')).toBe(
    9 * 1024,
  ); // one waits to be mixed
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
