import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeAuthority } from "../helpers/certificates.ts";
import { startFixture } from "../helpers/child.ts";
import { startFaultAppliance, sends, sendsBytes } from "../helpers/faultAppliance.ts";
import { makeFolder, type Folder } from "../helpers/folder.ts";
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
