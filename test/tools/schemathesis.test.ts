import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { apiKey, makePacket, push, startTestGateway } from "../gateway/helpers/gateway.ts";
import { makeFolder } from "../helpers/folder.ts";
import { runTool } from "./tool.ts";

/** A 503 says that there are no bytes; no other 5xx may ever come. */
const config = `
[checks]
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 503]
`;

test("no request that the document allows, or does not, gets an answer that it does not", async () => {
  await using folder = await makeFolder();
  await writeFile(folder.at("schemathesis.toml"), config);
  const rate_limit = { requests_per_second: 100_000, burst: 100_000, bytes_per_second: "1GiB" };
  await using gateway = await startTestGateway({
    rate_limit: { ...rate_limit, failed_keys_per_minute: 100_000 },
    max_wait: "1s",
    push: { window: { future: 0 } },
  });
  const filling = setInterval(() => {
    void push(
      gateway,
      makePacket({ audience: gateway.audience, data: randomBytes(2 ** 20) }),
    ).catch(() => undefined);
  }, 100);
  const url = `${gateway.api}/api/openapi.json`;
  const { code, output } = await runTool(
    process.env["SCHEMATHESIS"] ?? "schemathesis",
    ["run", url, "--url", gateway.api, "-H", `Authorization: Bearer ${apiKey}`].concat(
      // What parameters say together (min above max, values that are binary) no schema can.
      [
        "--checks",
        "all",
        "--exclude-checks",
        "positive_data_acceptance",
        "--max-time",
        "60",
        "--workers",
        "1",
        "--suppress-health-check",
        "all",
      ],
      ["--exclude-path", "/api/stream"], // up to 2^40 bytes, which it would try to keep
    ),
    { install: "pip install schemathesis", cwd: folder.path },
  ).finally(() => clearInterval(filling));
  expect(output).toMatch(/Tested: 1\d/);
  expect(code, output).toBe(0);
});
