import { createSecretKey, randomBytes, type X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFile, rename, writeFile } from "node:fs/promises";
import { createServer as createHttpsServer } from "node:https";
import { createServer, type AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ConfigError } from "../../common/errors.ts";
import { sourceErrorCodes } from "../../common/sources/source.ts";
import { certificateSha256 } from "../../common/sources/tlsProblem.ts";
import { makeAuthority, type Identity } from "../helpers/certificates.ts";
import { startFixture } from "../helpers/child.ts";
import { eventually } from "../helpers/eventually.ts";
import { makeFolder, type Folder } from "../helpers/folder.ts";
import { ManualClock } from "../helpers/manualClock.ts";
import { startAppliance } from "./helpers/appliance.ts";
import { runCollector } from "./helpers/running.ts";
import { startScriptedGateway } from "./helpers/scriptedGateway.ts";

const hex = randomBytes(32).toString("hex");
const secret = createSecretKey(hex, "hex");
const keys = { "config-bound": secret };
/** What the start-up test takes: less would not be released at once. */
const chunkBytes = 1024;

let folder: Folder;

beforeEach(async () => {
  folder = await makeFolder();
});

afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

function makeInput(applianceUrl: string, port: number) {
  return {
    appliance_url: applianceUrl,
    fetch_chunk_size: chunkBytes,
    fetch_interval: 1,
    push_url: `http://127.0.0.1:${port}/push`,
    hmac_secret_key: hex,
    push: { packet_size: chunkBytes, packet_age: 0, backoff_min: 10, backoff_max: 10 },
  };
}

test("the metrics say what was fetched, pushed, lost and is held", async () => {
  await using appliance = await startAppliance(5);
  await using gateway = await startScriptedGateway({ keys });
  const answers = [200, 507, 200, 409, 503];
  gateway.answer(() => answers.shift() ?? 200);
  const clock = new ManualClock();
  await using collector = await runCollector(makeInput(appliance.url, gateway.port), clock);
  await eventually(async () => {
    const { 'qrng_collector_pushes_total{outcome="refused"}': refused } = await collector.metrics();
    return refused === 1;
  });
  await eventually(() => gateway.pushes.length === 6);
  await eventually(
    async () => (await collector.metrics())["qrng_collector_buffer_bytes"] === chunkBytes,
  );
  await eventually(
    async () => (await collector.metrics())['qrng_source_up{source="appliance"}'] === 0,
  );
  await eventually(
    async () => (await collector.metrics())['qrng_collector_instances{state="resting"}'] === 0,
  );
  clock.advance(1_500);
  const metrics = await collector.metrics();
  const ours = Object.entries(metrics).filter(([name]) => name.startsWith("qrng_collector_"));
  expect(Object.fromEntries(ours)).toEqual({
    'qrng_collector_pushes_total{outcome="taken"}': 3,
    'qrng_collector_pushes_total{outcome="seen"}': 1,
    'qrng_collector_pushes_total{outcome="full"}': 1,
    'qrng_collector_pushes_total{outcome="refused"}': 1,
    'qrng_collector_pushes_total{outcome="unreachable"}': 0,
    'qrng_collector_pushes_total{outcome="misdirected"}': 0,
    'qrng_collector_pushes_total{outcome="unknown"}': 0,
    qrng_collector_delivered_bytes_total: 4 * chunkBytes,
    'qrng_collector_lost_bytes_total{reason="expired"}': 0,
    'qrng_collector_lost_bytes_total{reason="unknown"}': 0,
    'qrng_collector_lost_bytes_total{reason="alarm"}': 0,
    'qrng_collector_lost_bytes_total{reason="shutdown"}': 0,
    qrng_collector_buffer_bytes: chunkBytes, // what was refused rests
    qrng_collector_buffer_capacity_bytes: 16 * 2 ** 20,
    qrng_collector_paused: 0,
    qrng_collector_oldest_byte_age_seconds: 1.5,
    'qrng_collector_instances{state="ready"}': 1,
    'qrng_collector_instances{state="resting"}': 0,
    qrng_collector_last_delivery_timestamp_seconds: Number(clock.wall() / 1_000_000n) / 1_000 - 1.5,
  });
  expect(metrics['qrng_source_fetched_bytes_total{source="appliance"}']).toBe(5 * chunkBytes);
  for (const outcome of ["ok", ...sourceErrorCodes]) {
    const count = metrics[`qrng_source_fetches_total{source="appliance",outcome="${outcome}"}`];
    if (outcome === "ERR_SOURCE_STATUS") expect(count).toBeGreaterThan(0);
    else expect({ outcome, count }).toEqual({ outcome, count: outcome === "ok" ? 5 : 0 });
  }
});

test("the README lists every metric, and none that is not there", async () => {
  await using appliance = await startAppliance(1);
  await using gateway = await startScriptedGateway({ keys });
  await using collector = await runCollector(makeInput(appliance.url, gateway.port));
  const readme = await readFile(new URL("../../collector/README.md", import.meta.url), "utf8");
  const section = readme.split(/^## /m).find((text) => text.startsWith("Metrics"));
  const listed = section!.matchAll(/`((?:qrng|process|nodejs)_\w+)(?:\{([\w,]+)\})?`/g);
  // Its histogram has samples once something was fetched.
  await eventually(async () => (await collector.metrics())['qrng_source_up{source="appliance"}']);
  const exposed = Object.keys(await collector.metrics()).map((sample) => {
    const [name = "", labels = ""] = sample.split("{");
    const names = [...labels.matchAll(/(\w+)="/g)].map(([, label]) => label);
    // A histogram is one metric of several samples.
    const metric = name.replace(/_duration_seconds_(bucket|sum|count)$/, "_duration_seconds");
    return [metric, names.filter((label) => label !== "le").join(",")];
  });
  expect(new Set(exposed.map(String))).toEqual(
    new Set([...listed].map(([, name, labels = ""]) => String([name, labels]))),
  );
});

test("readiness follows the source", async () => {
  await using appliance = await startAppliance(0);
  await using gateway = await startScriptedGateway({ keys });
  await using collector = await runCollector(makeInput(appliance.url, gateway.port));
  const becomes = (status: number): Promise<unknown> =>
    eventually(async () => (await collector.ready()).status === status);
  await eventually(async () => (await collector.ready()).body.includes("appliance"));
  expect(await collector.ready()).toEqual({
    status: 503,
    body: "nothing goes on without appliance (ERR_SOURCE_STATUS)\n",
  });
  appliance.allow(Number.POSITIVE_INFINITY);
  await becomes(200);
  expect((await collector.ready()).body).toBe("ready\n");
  appliance.allow(0);
  await becomes(503);
});

test("a gateway that takes nothing stops the fetching when the buffer is full", async () => {
  await using appliance = await startAppliance();
  await using gateway = await startScriptedGateway({ keys });
  gateway.answer(() => "hang");
  await using collector = await runCollector({
    ...makeInput(appliance.url, gateway.port),
    buffer_size: 4 * chunkBytes,
    shutdown_grace: 0,
  });
  const held = async () => (await collector.metrics())["qrng_collector_buffer_bytes"];
  await eventually(async () => (await held()) === 4 * chunkBytes);
  for (let look = 0; look < 20; look++) expect(await held()).toBe(4 * chunkBytes);
  expect(appliance.given.length).toBe(5); // one waits to be mixed
  expect((await collector.metrics())["qrng_collector_paused"]).toBe(1);
});

test("bytes that no gateway takes are dropped at max_age and counted, also while a push hangs", async () => {
  const clock = new ManualClock();
  await using appliance = await startAppliance(3);
  await using gateway = await startScriptedGateway({ keys });
  gateway.answer(() => "hang");
  const input = { ...makeInput(appliance.url, gateway.port), max_age: "10s", shutdown_grace: 0 };
  await using collector = await runCollector(input, clock);
  const metric = async (name: string) => (await collector.metrics())[name];
  const fetched = 'qrng_source_fetched_bytes_total{source="appliance"}';
  await eventually(async () => (await metric(fetched)) === 3 * chunkBytes);
  await eventually(() => gateway.pushes.length === 1);
  expect(await metric("qrng_collector_buffer_bytes")).toBe(3 * chunkBytes);
  clock.advance(10_000);
  await eventually(async () => (await metric("qrng_collector_buffer_bytes")) === chunkBytes);
  const expired = 'qrng_collector_lost_bytes_total{reason="expired"}';
  expect(await metric(expired)).toBe(2 * chunkBytes);
});

test("logs and metrics hold neither the key nor a byte of what is carried", async () => {
  await using appliance = await startAppliance(5);
  await using gateway = await startScriptedGateway({ keys });
  await using collector = await runCollector(makeInput(appliance.url, gateway.port));
  await eventually(() => gateway.pushes.length === 5);
  const shown = collector.captured.text() + JSON.stringify(await collector.metrics());
  const secrets = [hex, ...appliance.given, ...gateway.pushes.map(({ signature }) => signature)];
  for (const text of secrets) {
    expect(shown).not.toContain(text.slice(0, 16));
    expect(shown).not.toContain(Buffer.from(text, "hex").toString("base64").slice(0, 12));
  }
});

describe("stop", () => {
  test("pushes what is left, also what fills no packet, and may be called twice", async () => {
    await using appliance = await startAppliance(3);
    await using gateway = await startScriptedGateway({ keys });
    const input = makeInput(appliance.url, gateway.port);
    await using collector = await runCollector({
      ...input,
      push: { ...input.push, packet_size: "64KiB", packet_age: "60s" },
    });
    const held = async () => (await collector.metrics())["qrng_collector_buffer_bytes"];
    await eventually(async () => (await held()) === 3 * chunkBytes);
    await Promise.all([collector.stop(), collector.stop()]);
    expect(gateway.pushes.map(({ data }) => data)).toEqual([appliance.given.join("")]);
  });

  test("ends the fetching", async () => {
    await using appliance = await startAppliance();
    await using gateway = await startScriptedGateway({ keys });
    await using first = await runCollector(makeInput(appliance.url, gateway.port));
    await eventually(() => gateway.pushes.length >= 3);
    await first.stop();
    const before = { given: appliance.given.length, pushes: gateway.pushes.length };
    // Another one shows that the appliance gives, and for how much of it that one accounts.
    await using second = await runCollector(makeInput(appliance.url, gateway.port));
    await eventually(() => gateway.pushes.length >= before.pushes + 20);
    await second.stop();
    const pushes = gateway.pushes.length - before.pushes;
    const given = appliance.given.length - before.given;
    expect(given).toBeLessThanOrEqual(pushes + 2); // one of each may have been cut on its way
  });

  test("ends with the grace period when the gateway hangs", async () => {
    await using appliance = await startAppliance();
    await using gateway = await startScriptedGateway({ keys });
    gateway.answer(() => "hang");
    await using collector = await runCollector({
      ...makeInput(appliance.url, gateway.port),
      shutdown_grace: "20ms",
    });
    await eventually(() => gateway.pushes.length === 1);
    await collector.stop();
    await expect(collector.ready()).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });
});

describe("what cannot be started", () => {
  async function refusal(input: object): Promise<unknown> {
    await using appliance = await startAppliance();
    try {
      await using _running = await runCollector({
        ...makeInput(appliance.url, 1),
        hmac_secret_key: undefined,
        ...input,
      });
      return undefined;
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      expect(String(error)).not.toContain(hex);
      return (error as ConfigError).message;
    }
  }

  test.each([
    ["bridge", "unbound", "bound"],
    ["v1", "bound", "unbound"],
  ] as const)("towards %s, a ring that signs with %s keys", async (peer, use, needed) => {
    await writeRing(folder.at("ring"), "a", [{ id: "a", key: hex, use }]);
    expect(await refusal({ key_ring_file: folder.at("ring"), push: { peer } })).toBe(
      `key ring: signing: push.peer ${peer} needs a key with use: ${needed}`,
    );
  });

  test("a management port that is taken", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const taken = `127.0.0.1:${(other.address() as AddressInfo).port}`;
    expect(await refusal({ hmac_secret_key: hex, management_address: taken })).toBe(
      `management_address: ${taken} is taken by another process`,
    );
    other.close();
  });

  test("a key file that everybody can read", async () => {
    await writeFile(folder.at("key"), hex, { mode: 0o644 });
    expect(await refusal({ hmac_secret_key_file: folder.at("key") })).toContain("chmod o-r");
  });

  test.each(["key_ring_file", "hmac_secret_key_file"])("a %s that is not there", async (field) => {
    const path = folder.at("none");
    expect(await refusal({ [field]: path })).toBe(`${path}: cannot be read (ENOENT)`);
  });

  test("a CA that is not there", async () => {
    const push = { tls: { ca_file: folder.at("none") } };
    expect(await refusal({ hmac_secret_key: hex, push })).toContain("cannot be read (ENOENT)");
  });
});

interface RingEntry {
  readonly id: string;
  readonly key: string;
  readonly use?: "bound" | "unbound";
}

/** Replaced in one step, as Kubernetes and the operator do. */
async function writeRing(path: string, signing: string, ring: readonly RingEntry[]): Promise<void> {
  const text = JSON.stringify({ version: 1, signing, keys: ring });
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

test("a key ring is followed as it changes; one that cannot be used changes nothing", async () => {
  const [one, two] = [randomBytes(32), randomBytes(32)];
  const entries = [
    { id: "one", key: one.toString("hex") },
    { id: "two", key: two.toString("hex") },
  ] as const;
  const path = folder.at("ring.json");
  await writeRing(path, "one", entries);
  await using appliance = await startAppliance();
  await using gateway = await startScriptedGateway({
    keys: { one: createSecretKey(one), two: createSecretKey(two) },
  });
  await using collector = await runCollector({
    ...makeInput(appliance.url, gateway.port),
    fetch_interval: 20,
    hmac_secret_key: undefined,
    key_ring_file: path,
  });
  const says = (message: string): Promise<unknown> =>
    eventually(() => collector.captured.messages().includes(message));
  const signedNext = async (): Promise<unknown> => {
    const count = gateway.pushes.length;
    await eventually(() => gateway.pushes.length > count + 1);
    return gateway.pushes.at(-1)?.keyId;
  };
  expect(await signedNext()).toBe("one");
  await writeRing(path, "two", entries);
  await says("reloaded");
  expect(await signedNext()).toBe("two");
  await writeRing(path, "one", [{ ...entries[0], use: "unbound" }]);
  await says("not reloaded; the one before stays in use");
  expect(await signedNext()).toBe("two");
});

test("over mutual TLS the collector shows its certificate, and the new one when it changes", async () => {
  const authority = await makeAuthority();
  const server = await authority.issue();
  const clients = [
    await authority.issue({ names: ["collector"], use: "clientAuth" }),
    await authority.issue({ names: ["collector"], use: "clientAuth" }),
  ] as const;
  const shown: string[] = [];
  const gateway = createHttpsServer(
    {
      cert: server.certificate,
      key: server.key,
      ca: authority.certificate,
      minVersion: "TLSv1.3",
      requestCert: true,
      rejectUnauthorized: true,
    },
    (request, response) => {
      const certificate = (request.socket as TLSSocket).getPeerX509Certificate();
      shown.push(certificateSha256(certificate as X509Certificate));
      request.resume().on("end", () => response.writeHead(200).end());
    },
  ).listen(0, "127.0.0.1");
  await once(gateway, "listening");
  const write = async ({ certificate, key }: Identity): Promise<void> => {
    await writeFile(folder.at("tls.key"), key, { mode: 0o600 });
    await writeFile(folder.at("tls.crt.new"), certificate);
    await rename(folder.at("tls.crt.new"), folder.at("tls.crt"));
  };
  await write(clients[0]);
  await writeFile(folder.at("ca.crt"), authority.certificate);
  await using appliance = await startAppliance();
  const { port } = gateway.address() as AddressInfo;
  const input = makeInput(appliance.url, port);
  await using collector = await runCollector({
    ...input,
    fetch_interval: 20,
    push_url: `https://localhost:${port}/push`,
    push: {
      ...input.push,
      tls: {
        ca_file: folder.at("ca.crt"),
        certificate_file: folder.at("tls.crt"),
        key_file: folder.at("tls.key"),
      },
    },
  });
  await eventually(() => shown.length >= 3);
  await write(clients[1]);
  await eventually(() => collector.captured.messages().includes("reloaded"));
  await eventually(() => shown.includes(clients[1].sha256));
  expect(new Set(shown)).toEqual(new Set(clients.map(({ sha256 }) => sha256)));
  await collector.stop();
  gateway.close();
});

describe("as a program", () => {
  /** Beside the fixtures, the real thing. */
  const startMain = (...args: string[]) => startFixture("../../collector/main.ts", ...args);
  const usage = [
    "usage: npm run collector -- --config FILE [--check]",
    "--check: try the keys, the certificates, each source and each gateway, and exit",
    "The file's fields: collector/README.md\n",
  ].join("\n");

  test("--help says how it is used", async () => {
    await using program = startMain("--help");
    expect(await program.ended).toEqual({ code: 0, signal: null });
    expect(program.output()).toBe(usage);
  });

  test.each([[[]], [["--nothing"]], [["--config"]], [["config.yaml"]]])(
    "%j ends with 2 and the usage",
    async (args) => {
      await using program = startMain(...args);
      expect(await program.ended).toEqual({ code: 2, signal: null });
      expect(program.output()).toContain(usage);
      expect(program.lines()).toMatchObject([{ level: "error", message: "cannot start" }]);
    },
  );

  test("a config with mistakes ends with 2 and a line for each", async () => {
    const lines = ["appliance_urll: https://a", "push_url: ftp://x", `hmac_secret_key: ${hex}z`];
    await writeFile(folder.at("config.yaml"), lines.join("\n"));
    await using program = startMain("--config", folder.at("config.yaml"));
    expect(await program.ended).toEqual({ code: 2, signal: null });
    const path = folder.at("config.yaml");
    const shown = program.output().split("\n");
    expect(shown).toContain(`${path}:1: appliance_urll: unknown key; did you mean appliance_url?`);
    expect(shown).toContain(`${path}:2: push_url: must be an http or https URL`);
    expect(shown).toContain(`${path}:3: hmac_secret_key: must be 32 to 64 bytes as hex`);
    expect(program.output()).not.toContain(hex);
  });

  test("a config that is not there ends with 2", async () => {
    await using program = startMain("--config", folder.at("none.yaml"));
    expect(await program.ended).toEqual({ code: 2, signal: null });
    expect(program.output()).toContain(`${folder.at("none.yaml")}: cannot be read (ENOENT)`);
  });

  test.each(["SIGTERM", "SIGINT"] as const)(
    "%s: pushes what is left and ends with 0",
    async (signal) => {
      await using appliance = await startAppliance(3);
      await using gateway = await startScriptedGateway({ keys });
      await writeFile(folder.at("key"), `${hex}\n`, { mode: 0o600 });
      const config = {
        appliance_url: appliance.url,
        fetch_chunk_size: chunkBytes,
        fetch_interval: "1ms",
        push_url: `http://127.0.0.1:${gateway.port}/push`,
        hmac_secret_key_file: "key", // beside the config
        management_address: "127.0.0.1:0",
        push: { packet_age: "60s" },
      };
      await writeFile(folder.at("config.yaml"), JSON.stringify(config)); // JSON is YAML
      await using program = startMain("--config", folder.at("config.yaml"));
      await program.says("source gives no bytes"); // three chunks later
      program.process.kill(signal);
      expect(await program.ended).toEqual({ code: 0, signal: null });
      expect(gateway.pushes.map(({ data }) => data)).toEqual([appliance.given.join("")]);
      const messages = program.lines().map(({ message }) => message);
      expect(messages.slice(-2)).toEqual(["gateway takes packets", "stopped"]);
      expect(program.lines().every(({ program: name }) => name === "collector")).toBe(true);
    },
  );
});
