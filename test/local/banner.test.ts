import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { curlLine, describeRunning, type Running } from "../../local/banner.ts";
import { makeFolder } from "../helpers/folder.ts";

const running: Running = {
  bridge: "quickstart",
  file: "/r/quickstart.yaml",
  simulated: ["bench"],
  api: "http://127.0.0.1:7764",
  apiKeyFile: "/d/api-key",
  apiKey: undefined,
  caFile: undefined,
  push: "http://127.0.0.1:7765/push",
  unboundKeyRing: undefined,
  management: "http://127.0.0.1:9464",
  logs: "/d/logs",
  flowing: true,
};

test("the whole text", () => {
  expect(describeRunning(running)).toBe(`
QRNG Bridge runs quickstart, from /r/quickstart.yaml
SIMULATED appliance: not random hardware (bench)

  API         http://127.0.0.1:7764
  API key     in /d/api-key
  try         curl -H "Authorization: Bearer $(cat '/d/api-key')" 'http://127.0.0.1:7764/api/random?bytes=32'
  dashboard   http://127.0.0.1:7764/
  push        http://127.0.0.1:7765/push
  management  http://127.0.0.1:9464/metrics
  logs        /d/logs
  stop        Ctrl-C

`);
});

test("with a key for a terminal, TLS, unbound packets, no bytes and real hardware", () => {
  const text = describeRunning({
    ...running,
    simulated: [],
    apiKey: "the-key",
    caFile: "/d/ca.pem",
    unboundKeyRing: "/d/keyring.json",
    flowing: false,
  });
  expect(text).toContain("API key     the-key (in /d/api-key)");
  expect(text).toContain("curl --cacert '/d/ca.pem' -H");
  expect(text).toContain("also takes unbound packets, by the unbound key in /d/keyring.json");
  expect(text).toContain("No random bytes have come in yet; why is in /d/logs");
  expect(text).not.toContain("SIMULATED");
});

test("without a push listener there is no such line", () => {
  expect(describeRunning({ ...running, push: undefined })).not.toContain("push");
});

test("the curl line survives any folder's name", async () => {
  await using folder = await makeFolder();
  const apiKeyFile = folder.at(`it's a "$(folder)\` \\`);
  await writeFile(apiKeyFile, "the-key\n");
  const line = curlLine({ ...running, apiKeyFile, caFile: `/it's` });
  const script = `curl() { printf '%s|' "$@"; }\n${line}`;
  const { stdout } = await promisify(execFile)("sh", ["-c", script]);
  expect(stdout).toBe(
    "--cacert|/it's|-H|Authorization: Bearer the-key|http://127.0.0.1:7764/api/random?bytes=32|",
  );
});
