import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import type { BridgeInput } from "../../operator/bridge/schema.ts";
import { bridgeInput } from "../operator/bridges.ts";
import { drawBytes } from "./helpers/banner.ts";
import { launched } from "./helpers/launched.ts";

const token = "a-token-of-the-service-0123456789";
const simulated = {
  name: "bench",
  type: "Quantis",
  url: "https://127.0.0.1:7766",
  simulated: true,
} as const;

const secret = ({ metadata: { namespace } }: BridgeInput, labels: object) => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "service-token", namespace, labels },
  stringData: { token },
});

test("a service with a token is mixed with an appliance, and tested as the bridge says", async () => {
  const seen = new Set<string | undefined>();
  await using server = createServer((request, response) => {
    seen.add(request.headers.authorization);
    const size = Number(new URL(request.url ?? "", "http://service").searchParams.get("size"));
    response.setHeader("content-type", "application/octet-stream").end(randomBytes(size));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const bridge = bridgeInput({
    sources: [
      simulated,
      {
        name: "service",
        type: "HttpBytes",
        url: `http://127.0.0.1:${port}/?size={bytes}`,
        authSecretRef: { name: "service-token", key: "token" },
      },
    ],
    mixing: { strategy: "Hash", minSources: 2 },
    healthTests: { alphaExponent: 30 },
  });
  const { name } = bridge.metadata;
  await using run = await launched(bridge, [], [secret(bridge, { "qrngbridge.io/bridge": name })]);
  // Of the two, nothing comes without the service's bytes.
  await drawBytes(await run.up());
  expect([...seen]).toEqual([`Bearer ${token}`]);
  const config: unknown = parse(await readFile(join(run.dir, "collector.yaml"), "utf8"));
  expect(config).toMatchObject({
    mixing: { strategy: "Hash", min_sources: 2 },
    health: { alpha_exponent: 30 },
  });
  for (const file of ["collector.yaml", "logs/collector.log"]) {
    expect(await readFile(join(run.dir, file), "utf8")).not.toContain(token);
  }
  expect(run.printed()).not.toContain(token);
});

test("a token of a Secret that is not the bridge's is refused, and not shown", async () => {
  const url = "http://127.0.0.1:1/";
  const authSecretRef = { name: "service-token", key: "token" };
  const bridge = bridgeInput({ sources: [{ name: "a", type: "HttpBytes", url, authSecretRef }] });
  await using run = await launched(bridge, [], [secret(bridge, {})]);
  await expect(run.done).rejects.toThrow(
    "spec.sources[0].authSecretRef: its Secret needs the label qrngbridge.io/bridge with the bridge's name",
  );
  await expect(run.done).rejects.not.toThrow(token);
});
