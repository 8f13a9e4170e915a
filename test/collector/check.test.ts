import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeAuthority } from "../helpers/certificates.ts";
import { startFixture } from "../helpers/child.ts";
import { startFaultAppliance, sends, sendsBytes } from "../helpers/faultAppliance.ts";
import { makeFolder, type Folder } from "../helpers/folder.ts";
import { startTlsRig } from "../endToEnd/helpers/tlsRig.ts";
import { startScriptedGateway } from "./helpers/scriptedGateway.ts";

const hex = randomBytes(32).toString("hex");
const size = 65_536;

let folder: Folder;
beforeEach(async () => {
  folder = await makeFolder();
});
afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

async function check(config: object): Promise<{ code: number | null; output: string }> {
  await writeFile(folder.at("config.yaml"), JSON.stringify(config));
  await using program = startFixture(
    "../../collector/main.ts",
    "--config",
    folder.at("config.yaml"),
    "--check",
  );
  const { code } = await program.ended;
  return { code, output: program.output() };
}

test("all that is well is told, and nothing is pushed", async () => {
  const authority = await makeAuthority();
  const bytes = randomBytes(size);
  await using appliance = await startFaultAppliance({
    identity: await authority.issue(),
    reply: sendsBytes(bytes),
  });
  await using gateway = await startScriptedGateway({ keys: {} });
  await writeFile(folder.at("ca.pem"), authority.certificate);
  const { code, output } = await check({
    sources: [{ name: "lab", type: "Quantis", url: appliance.url, ca_file: "ca.pem" }],
    push_url: `http://127.0.0.1:${gateway.port}/push`,
    hmac_secret_key: hex,
  });
  expect(code).toBe(0);
  const lines = output.trimEnd().split("\n");
  expect(lines).toContainEqual(expect.stringMatching(/^ok +signing key +signs with config-bound/));
  expect(lines).toContainEqual(expect.stringMatching(/^ok +source lab +Quantis gave 65536 bytes/));
  expect(lines).toContainEqual(expect.stringMatching(/min-entropy of these about 7\.\d\d bits/));
  expect(lines).toContainEqual(expect.stringMatching(/^ok +source lab +repetition count: \d/));
  expect(lines).toContainEqual(
    expect.stringMatching(`^ok +gateway 127.0.0.1:${gateway.port} +takes connections`),
  );
  expect(lines.at(-1)).toBe("all is well");
  expect(gateway.pushes).toEqual([]);
  for (const secret of [hex, bytes.toString("hex", 0, 8), bytes.toString("base64", 0, 9)]) {
    expect(output).not.toContain(secret);
  }
});

test("what is wrong is told by name, all of it at once, and the exit code is 1", async () => {
  const authority = await makeAuthority();
  const other = await makeAuthority();
  await using appliance = await startFaultAppliance({
    identity: await other.issue(),
    reply: sendsBytes(randomBytes(size)),
  });
  await using stuck = await startFaultAppliance({
    identity: await authority.issue(),
    reply: sendsBytes(randomBytes(size).fill(7, 0, 40)),
  });
  await using page = await startFaultAppliance({
    identity: await authority.issue(),
    reply: sends("text/html", "<!DOCTYPE html><p>log in"),
  });
  await writeFile(folder.at("ca.pem"), authority.certificate);
  await writeFile(folder.at("ring.json"), "{}", { mode: 0o600 });
  const source = (name: string, url: string) => ({ name, type: "Quantis", url, ca_file: "ca.pem" });
  const { code, output } = await check({
    sources: [source("lab", appliance.url), source("roof", stuck.url), source("cellar", page.url)],
    push_url: "https://127.0.0.1:1/push",
    key_ring_file: "ring.json",
    push: { timeout: "2s" },
  });
  expect(code).toBe(1);
  const failed = output.split("\n").filter((line) => line.startsWith("FAIL"));
  expect(failed).toContainEqual(expect.stringMatching(/signing key +key ring: version/));
  expect(failed).toContainEqual(expect.stringMatching(/source lab .*not signed by.*SHA-256 is/));
  expect(failed).toContainEqual(expect.stringMatching(/source roof +repetition count: 40/));
  expect(failed).toContainEqual(expect.stringMatching(/source cellar +answers/));
  expect(failed).toContainEqual(expect.stringMatching(/gateway 127.0.0.1:1 +cannot be connected/));
  expect(output).toMatch(/\n\d of \d+ failed\n$/);
});

test("what a real gateway says to a certificate, and to none", async () => {
  await using rig = await startTlsRig();
  const other = await makeAuthority();
  const stranger = await other.issue({ use: "clientAuth" });
  await writeFile(folder.at("gateways-ca.pem"), rig.gateways.certificate);
  await writeFile(folder.at("other-ca.pem"), other.certificate);
  await writeFile(folder.at("other.crt"), stranger.certificate);
  await writeFile(folder.at("other.key"), stranger.key, { mode: 0o600 });
  const mine = await rig.collectorConfig({ url: "https://127.0.0.1:1", ca: other.certificate });
  const { tls } = (mine as { push: { tls: Record<string, string> } }).push;
  const files = Object.entries(tls).map(([field, file]) => [field, rig.folder.at(file)]);
  const good: Record<string, string> = Object.fromEntries(files);
  const say = async (changed: object): Promise<string> => {
    const { output } = await check({
      sources: [{ name: "fifo", type: "File", path: folder.at("none") }],
      push_url: `https://${rig.gateway.address("push")}/push`,
      hmac_secret_key: hex,
      push: { timeout: "2s", tls: changed },
    });
    return output.split("\n").find((line) => /^\S+ +gateway /.test(line)) ?? output;
  };
  const { ca_file } = good;
  expect(await say(good)).toMatch(/^ok .* TLSv1.3, .*; it does not refuse ours$/);
  expect(await say({ ca_file })).toMatch(
    /^FAIL .*ask for a certificate, push.tls.certificate_file/,
  );
  expect(await say({ ca_file, certificate_file: "other.crt", key_file: "other.key" })).toMatch(
    /^FAIL .*ends the connection.*not to trust the CA of push.tls.certificate_file$/,
  );
  expect(await say({ ...good, ca_file: "other-ca.pem" })).toMatch(
    /^FAIL .*cannot be connected to: its certificate is not signed by push.tls.ca_file/,
  );
  expect(await say({ ...good, key_file: "other.key" })).toMatch(
    /^FAIL .*collector.crt, .*other.key: hold no certificate and its private key, in PEM$/,
  );
});

test("a source and a gateway that only hang end the check in their time", async () => {
  const hang = createServer(() => undefined).listen(0, "127.0.0.1");
  await once(hang, "listening");
  const address = `127.0.0.1:${(hang.address() as AddressInfo).port}`;
  const { code, output } = await check({
    sources: [{ name: "lab", type: "HttpBytes", url: `http://${address}/{bytes}` }],
    fetch_timeout: "500ms",
    push_url: `https://${address}/push`,
    hmac_secret_key: hex,
    push: { timeout: "500ms" },
  });
  hang.close();
  expect(code).toBe(1);
  expect(output).toMatch(/^FAIL +source lab +did not answer in time$/m);
  expect(output).toMatch(
    /^FAIL +gateway .* it does not answer in time, or closes the connection$/m,
  );
});
