import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { systemClock } from "../../common/clock.ts";
import { parseKeyRing } from "../../common/keys/keyRing.ts";
import { encodePacket } from "../../common/packet/msgpack.ts";
import { signatureOf } from "../../common/packet/signature.ts";
import { takeLock } from "../../local/lock.ts";
import { makeAuthority } from "../helpers/certificates.ts";
import { type Reply, sendsBytes, startFaultAppliance } from "../helpers/faultAppliance.ts";
import { bridgeInput } from "../operator/bridges.ts";
import { askApi, drawBytes, row } from "./helpers/banner.ts";
import { launched } from "./helpers/launched.ts";
import { allGone, freePorts, isPortFree, processesOf, processOf } from "./helpers/processes.ts";

const bench = {
  name: "bench",
  type: "Quantis",
  url: "https://127.0.0.1:7766",
  simulated: true,
} as const;
const simulated = bridgeInput({ sources: [bench] });

const portOf = (url: string): number => Number(/:(\d+)(?:\/|$)/.exec(url)![1]);

test("bytes flow from the simulated appliance to the client, and nothing is left", async () => {
  await using run = await launched(simulated);
  const text = await run.up();
  expect(text).toContain("SIMULATED appliance: not random hardware (bench)");
  const first = await drawBytes(text);
  expect(await drawBytes(text)).not.toBe(first);
  expect(await askApi(text, "/api/status")).toMatchObject({ simulated: true });
  const ports = ["API", "push", "management"].map((name) => portOf(row(text, name)));
  expect(await processesOf(run.dir)).toHaveLength(3);
  await run.stop();
  expect(await processesOf(run.dir)).toEqual([]);
  expect(await Promise.all(ports.map(isPortFree))).toEqual([true, true, true]);

  // What it wrote is for its owner only, and neither the text nor a log holds a key.
  const entries = await readdir(run.dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  for (const { parentPath, name } of files) {
    expect((await stat(join(parentPath, name))).mode & 0o777, name).toBe(0o600);
  }
  expect(files.map(({ name }) => name).sort()).toEqual([
    "api-key",
    "appliance-bench.key",
    "appliance-bench.log",
    "appliance-bench.pem",
    "ca-appliances.pem",
    "collector.log",
    "collector.yaml",
    "gateway.log",
    "gateway.yaml",
    "keyring.json",
    "push-horizon",
  ]);
  const read = (...names: string[]) => readFile(join(run.dir, ...names), "utf8");
  const ring = JSON.parse(await read("keyring.json")) as { keys: [{ key: string }] };
  const secrets = [ring.keys[0].key, (await read("api-key")).trim()];
  const logs = ["appliance-bench.log", "collector.log", "gateway.log"];
  for (const written of [
    run.printed(),
    ...(await Promise.all(logs.map((log) => read("logs", log)))),
  ]) {
    for (const secret of secrets) expect(written).not.toContain(secret);
  }
});

test("with TLS, on the API and on the push port", async () => {
  await using run = await launched({ ...simulated, spec: { ...simulated.spec, tls: {} } });
  const text = await run.up();
  expect(row(text, "API")).toMatch(/^https:/);
  expect(row(text, "push")).toMatch(/^https:/);
  expect(row(text, "try")).toContain(`--cacert '${join(run.dir, "certificates")}/`);
  await drawBytes(text);
});

test("Direct: the gateway fetches from two appliances, and there is no collector", async () => {
  const sources = [bench, { ...bench, name: "desk" }];
  await using run = await launched(bridgeInput({ topology: "Direct", sources }));
  const text = await run.up();
  expect(text).toContain("(bench, desk)");
  await drawBytes(text);
  expect(await askApi(text, "/api/status")).toMatchObject({ simulated: true });
  const commands = (await processesOf(run.dir)).map(({ command }) => command).join("\n");
  expect(commands.match(/appliance\/main\.ts/g)).toHaveLength(2);
  expect(commands).not.toContain("collector/main.ts");
});

test("packets without an audience are taken when the bridge says so", async () => {
  const gateway = { replicas: 1, push: { acceptUnbound: true } };
  await using run = await launched({ ...simulated, spec: { ...simulated.spec, gateway } });
  const text = await run.up();
  expect(text).toContain("also takes unbound packets");
  const ring = parseKeyRing(await readFile(join(run.dir, "keyring.json"), "utf8"));
  const { secret } = ring.keys.find(({ use }) => use === "unbound")!;
  const push = async (key: typeof secret): Promise<number> => {
    const fields = { sequence: 1n, data: randomBytes(64), timestamp: systemClock.wall() };
    const signature = signatureOf(key, fields);
    const body = encodePacket({ ...fields, id: randomBytes(16), signature, checksum: null });
    const headers = { "content-type": "application/msgpack" };
    const { status } = await fetch(row(text, "push"), { method: "POST", headers, body });
    return status;
  };
  expect(await push(secret)).toBe(200);
  expect(await push(ring.signing.secret)).toBe(401);
});

test("a real appliance, whose CA is in a ConfigMap of the bridge's file", async () => {
  const authority = await makeAuthority();
  const reply: Reply = (response, request) =>
    sendsBytes(randomBytes(Number(request.url?.split("size=")[1])))(response, request);
  await using appliance = await startFaultAppliance({ identity: await authority.issue(), reply });
  const caRef = { kind: "ConfigMap", name: "lab-ca", key: "ca.crt" } as const;
  const lab = { name: "lab", type: "Quantis", url: appliance.url, caRef } as const;
  const bridge = bridgeInput({ sources: [lab] });
  const { namespace } = bridge.metadata;
  const metadata = { name: "lab-ca", namespace };
  const data = { "ca.crt": authority.certificate };
  await using run = await launched(
    bridge,
    [],
    [{ apiVersion: "v1", kind: "ConfigMap", metadata, data }],
  );
  const text = await run.up();
  await drawBytes(text);
  expect(await askApi(text, "/api/status")).toMatchObject({ simulated: false });
  expect(await processesOf(run.dir)).toHaveLength(2);
});

test("a source that cannot be reached: up all the same, with a hint", async () => {
  const [port] = await freePorts(1);
  const lab = { name: "lab", type: "Quantis", url: `https://127.0.0.1:${port}` } as const;
  await using run = await launched(bridgeInput({ sources: [lab] }));
  const started = performance.now();
  const text = await run.up();
  expect(performance.now() - started).toBeLessThan(10_000);
  expect(text).toContain(`No random bytes have come in yet; why is in ${run.dir}/logs`);
  expect(text).not.toContain("SIMULATED");
});

test.each(["collector", "gateway", "local/appliance"])(
  "when the %s dies, the launch says so and stops the rest",
  async (program) => {
    await using run = await launched(simulated);
    await run.up();
    process.kill(await processOf(run.dir, `${program}/main.ts`), "SIGKILL");
    const name = program === "local/appliance" ? "simulated appliance bench" : program;
    await expect(run.done).rejects.toThrow(
      new RegExp(`^${name} ended by SIGKILL\nits log: ${run.dir}/logs/`),
    );
    expect(await processesOf(run.dir)).toEqual([]);
  },
);

test.each(["--port", "--push-port", "--management-port", "--appliance-port"])(
  "a taken port is told with its flag: %s",
  async (flag) => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    await using run = await launched(simulated, [flag, `${port}`]);
    await expect(run.done).rejects.toThrow(
      `port ${port} is taken: stop what listens there or choose another with ${flag}`,
    );
    expect(await processesOf(run.dir)).toEqual([]);
    await using lock = await takeLock(join(run.dir, "launcher.pid"));
    expect(lock.takenOver).toBe(false);
    server.close();
  },
);

test("a folder that is in use is refused", async () => {
  await using run = await launched(simulated);
  await run.up();
  await using second = await launched(simulated, ["--dir", run.dir]);
  await expect(second.done).rejects.toThrow(`process ${process.pid} uses this folder`);
  await drawBytes(run.printed());
});

test("stopped while it starts, at any moment, it leaves nothing and nothing at work", async () => {
  const bridge = { ...simulated, spec: { ...simulated.spec, tls: {} } };
  for (const milliseconds of [0, 5, 10, 20, 200, 400, 700, 1000, 1300]) {
    await using run = await launched(bridge);
    await sleep(milliseconds);
    await run.stop();
    const files = await readdir(run.dir, { recursive: true });
    await allGone(run.dir, 2_000);
    await sleep(100); // time for what is still at work to show itself
    expect(await readdir(run.dir, { recursive: true })).toEqual(files);
  }
});

test("a program that does not stop is killed at once when asked again", async () => {
  await using run = await launched(simulated);
  await run.up();
  process.kill(await processOf(run.dir, "gateway/main.ts"), "SIGSTOP");
  const started = performance.now();
  await run.kill();
  expect(performance.now() - started).toBeLessThan(3_000);
  expect(await processesOf(run.dir)).toEqual([]);
});
