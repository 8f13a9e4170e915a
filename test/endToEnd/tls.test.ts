import { once } from "node:events";
import { Agent, request } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { connect, createServer, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeAuthority, selfSigned, type Wanted } from "../helpers/certificates.ts";
import { eventually } from "../helpers/eventually.ts";
import { startCounterAppliance } from "./helpers/counterAppliance.ts";
import { exchange } from "./helpers/exchange.ts";
import { launch, totalOf, valueOf } from "./helpers/program.ts";
import {
  apiKey,
  type Client,
  clientOf,
  collectorIdentity,
  collectorName,
  replaceFile,
  startTlsRig,
  type TlsRig,
  writeIdentity,
} from "./helpers/tlsRig.ts";

// TLS on the push port and on the API, with the programs as real processes.

/** The server's certificate on an open connection, as in Identity. */
function shownSha256(socket: unknown): string | undefined {
  const certificate = (socket as TLSSocket).getPeerX509Certificate();
  return certificate?.fingerprint256.replaceAll(":", "").toLowerCase();
}

const cut = { status: undefined };

/** A bound for a broken program: together they take 15 s on two idle cores. */
const timeout = 180_000;

describe("who may push", () => {
  let rig: TlsRig;
  beforeAll(async () => void (rig = await startTlsRig()));
  afterAll(() => rig[Symbol.asyncDispose]());

  /** Whether the push port refuses: no answer, nothing received, and no packet even judged. */
  async function expectRefused(client: Client): Promise<void> {
    const before = [await rig.received(), await rig.judged()];
    expect(await rig.push(client)).toMatchObject(cut);
    await delay(50); // what it may do behind the cut
    expect([await rig.received(), await rig.judged()]).toEqual(before);
  }

  test("a collector's certificate is let in", async () => {
    const before = await rig.received();
    expect(await rig.push(await rig.issueClient())).toMatchObject({ status: 200 });
    expect(await rig.received()).toBe(before + 256);
  });

  test("no certificate is refused", () => expectRefused({ ca: rig.gateways.certificate }));

  test("another CA's certificate is refused", async () => {
    const stranger = await makeAuthority("collectors' CA");
    const identity = await stranger.issue(collectorIdentity());
    await expectRefused(clientOf(identity, rig.gateways));
  });

  test("one that vouches for itself is refused", async () =>
    expectRefused(clientOf(await selfSigned(collectorIdentity()), rig.gateways)));

  test("the gateway's own CA's certificate is refused", async () =>
    expectRefused(clientOf(await rig.gateways.issue(collectorIdentity()), rig.gateways)));

  const wrong: Record<string, Wanted> = {
    "for servers": { use: "serverAuth" },
    "without extended key usage": { use: "none" },
    "for another bridge": { names: ["collector.other.quantum.qrngbridge.internal"] },
    "for a wildcard": { names: ["*.main.quantum.qrngbridge.internal"] },
    "with the name in its subject only": { subject: collectorName, names: [] },
    "with the name in its subject, another beside it": {
      subject: collectorName,
      names: ["collector.other.quantum.qrngbridge.internal"],
    },
    "that has expired": { validFrom: -48, validFor: 24 },
    "that is not valid yet": { validFrom: 24 },
  };
  test.for(Object.entries(wrong))("a certificate %s is refused", async ([, wanted]) =>
    expectRefused(await rig.issueClient(wanted)),
  );

  test("TLS 1.2 is refused", async () =>
    expectRefused({ ...(await rig.issueClient()), minVersion: "TLSv1.2", maxVersion: "TLSv1.2" }));

  test("no session is resumed", async () => {
    const client = await rig.issueClient();
    const [host, port] = rig.gateway.address("push").split(":");
    const sessions: Buffer[] = [];
    const open = async (session?: Buffer): Promise<TLSSocket> => {
      const socket = connect({ ...client, host, port: Number(port), session } as object);
      socket.on("session", (offered: Buffer) => sessions.push(offered));
      await once(socket, "secureConnect");
      return socket;
    };
    const first = await open();
    first.write("GET / HTTP/1.1\r\nhost: gateway\r\n\r\n");
    await once(first, "data"); // OpenSSL offers sessions before, though no ticket is behind them
    const kept = sessions.at(-1) ?? first.getSession();
    expect(kept).toBeDefined();
    first.destroy();
    const second = await open(kept);
    expect(second.isSessionReused()).toBe(false);
    second.destroy();
  });

  test("a connection ends with its client's certificate", async () => {
    const second = 1 / 3600;
    const client = await rig.issueClient({ validFrom: -1, validFor: 1 + 4 * second });
    const agent = new Agent({ keepAlive: true });
    const { status, socket } = await rig.push({ ...client, agent });
    const opened = performance.now();
    expect(status).toBe(200);
    await once(socket!, "close");
    expect(performance.now() - opened).toBeGreaterThan(1_000);
    await delay(1_000); // dates are whole seconds
    await expectRefused(client);
  });
});

describe.concurrent("the collector", { timeout }, () => {
  test("pushes over TLS with its certificate", async () => {
    await using rig = await startTlsRig();
    await using appliance = await startCounterAppliance();
    const config = await rig.collectorConfig({ url: appliance.url(1), ca: appliance.ca });
    await using _collector = await launch("collector", config, rig);
    await eventually(async () => (await rig.received()) > 4096);
    const { status, body } = await exchange({
      url: `https://${rig.gateway.address("api")}/api/random?bytes=4096&encoding=binary`,
      headers: { authorization: `Bearer ${apiKey}` },
      ca: rig.gateways.certificate,
    });
    expect(status).toBe(200);
    expect(new Set(appliance.cipher.numbersOf(body)).size).toBe(256);
  });

  test.for(["another CA's", "another name's"])(
    "sends no byte to a gateway with %s certificate",
    async (whose) => {
      await using rig = await startTlsRig();
      await using appliance = await startCounterAppliance();
      const stranger = await makeAuthority("gateways' CA");
      const { certificate: cert, key } = await (whose === "another CA's"
        ? stranger.issue()
        : rig.gateways.issue({ names: ["gateway.example", "127.0.0.2"] }));
      let bytes = 0;
      let connections = 0;
      const server = createServer({ cert, key, minVersion: "TLSv1.3" });
      server.on("connection", () => (connections += 1));
      server.on("tlsClientError", () => undefined);
      server.on("secureConnection", (socket) => {
        socket.on("error", () => undefined).on("data", (data: Buffer) => (bytes += data.length));
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      const config = await rig.collectorConfig({ url: appliance.url(1), ca: appliance.ca });
      const push_url = `https://127.0.0.1:${port}/push`;
      await using collector = await launch("collector", { ...config, push_url }, rig);
      const pushes = await eventually(async () => {
        const metrics = await collector.metrics();
        const unreachable = 'qrng_collector_pushes_total{outcome="unreachable"}';
        // The listener answers before the collector has its metrics.
        return (metrics.get(unreachable) ?? 0) >= 2 && metrics;
      });
      expect(totalOf(pushes, "qrng_collector_pushes_total")).toBe(
        valueOf(pushes, 'qrng_collector_pushes_total{outcome="unreachable"}'),
      );
      expect(valueOf(pushes, "qrng_collector_delivered_bytes_total")).toBe(0);
      expect(connections).toBeGreaterThanOrEqual(2);
      expect(bytes).toBe(0);
      server.close();
    },
  );
});

describe.concurrent("files that are replaced while the gateway runs", { timeout }, () => {
  test("push: new connections meet the new ones, those of a removed CA end", async () => {
    await using rig = await startTlsRig();
    await using appliance = await startCounterAppliance();
    const config = await rig.collectorConfig({ url: appliance.url(1), ca: appliance.ca });
    await using collector = await launch("collector", config, rig);
    const old = await rig.issueClient();
    const agent = new Agent({ keepAlive: true });
    const { status, socket } = await rig.push({ ...old, agent });
    expect(status).toBe(200);
    await eventually(async () => (await rig.received()) > 4096);

    const collectors = await makeAuthority("collectors' second CA");
    const gateways = await makeAuthority("gateways' second CA");
    const shown = await gateways.issue();
    const ended = once(socket!, "close");
    await writeIdentity(rig.folder, "collector", await collectors.issue(collectorIdentity()));
    await replaceFile(rig.folder, "gateways-ca.pem", gateways.certificate);
    await writeIdentity(rig.folder, "push", shown);
    await replaceFile(rig.folder, "collectors-ca.pem", collectors.certificate);
    await ended;

    const fresh = clientOf(await collectors.issue(collectorIdentity()), gateways);
    const second = new Agent({ keepAlive: true });
    const answer = await eventually(async () => {
      const pushed = await rig.push({ ...fresh, agent: second });
      return pushed.status === 200 && pushed;
    });
    expect(shownSha256(answer.socket)).toBe(shown.sha256);
    expect(await rig.push({ ...old, ca: gateways.certificate })).toMatchObject(cut);
    const before = await rig.received();
    await eventually(async () => (await rig.received()) > before + 4096);
    expect(totalOf(await collector.metrics(), "qrng_collector_lost_bytes_total")).toBe(0);
    second.destroy();
  });

  test("API: an answer under way and open connections go on", async () => {
    await using rig = await startTlsRig();
    const client = await rig.issueClient();
    const largest = 2 ** 20;
    for (let pushed = 0; pushed < 15 * largest; pushed += largest) {
      expect(await rig.push(client, largest)).toMatchObject({ status: 200 });
    }
    const url = `https://${rig.gateway.address("api")}/api/random?encoding=binary&bytes=`;
    const headers = { authorization: `Bearer ${apiKey}` };
    const ca = rig.gateways.certificate;
    // More than the sockets' buffers hold, and read only after the change.
    const download = request(`${url}${12 * largest}`, { headers, ca, agent: false }).end();
    const [response] = await once(download, "response");
    const agent = new Agent({ keepAlive: true });
    const open = await exchange({ url: `${url}16`, headers, ca, agent });
    const before = shownSha256(open.socket);

    const shown = await rig.gateways.issue();
    await writeIdentity(rig.folder, "api", shown);
    await eventually(async () => {
      const other = new Agent({ keepAlive: true });
      const { socket } = await exchange({ url: `${url}16`, headers, ca, agent: other });
      const sha256 = shownSha256(socket);
      other.destroy();
      return sha256 === shown.sha256;
    });
    const again = await exchange({ url: `${url}16`, headers, ca, agent });
    expect(again.status).toBe(200);
    expect(again.socket).toBe(open.socket);
    expect(shownSha256(again.socket)).toBe(before);
    let bytes = 0;
    for await (const piece of response as AsyncIterable<Buffer>) bytes += piece.length;
    expect(bytes).toBe(12 * largest);
    agent.destroy();
  });
});
