import { rename, writeFile } from "node:fs/promises";
import type { Agent } from "node:https";
import { signPacket } from "../../../collector/push/packets.ts";
import { Audience } from "../../../common/packet/signature.ts";
import { systemClock } from "../../../common/clock.ts";
import { singleKeyRing } from "../../../common/keys/keyRing.ts";
import {
  type Authority,
  type Identity,
  makeAuthority,
  type Wanted,
} from "../../helpers/certificates.ts";
import { type Folder, makeFolder } from "../../helpers/folder.ts";
import { type Exchange, exchange, type ExchangeOptions } from "./exchange.ts";
import { launch, type Metrics, type Program, totalOf, valueOf } from "./program.ts";

export const apiKey = "tls-test-key-0123456789-abcdef";
export const collectorName = "collector.main.quantum.qrngbridge.internal";
/** The keys that a rig's rings can hold, hex; both rings hold `first` to begin with. */
const ringKeys = { first: "3c".repeat(32), second: "c3".repeat(32) };
type KeyId = keyof typeof ringKeys;

/** What one client of the push port shows and trusts. */
export type Client = Pick<ExchangeOptions, "ca" | "cert" | "key" | "maxVersion" | "minVersion"> & {
  readonly agent?: Agent;
};

/** A gateway in its own process whose push port and API speak TLS, and the CAs behind it. */
export interface TlsRig extends AsyncDisposable {
  readonly folder: Folder;
  readonly gateway: Program;
  /** Signs collectors' certificates. */
  readonly collectors: Authority;
  /** Signs the gateway's certificates. */
  readonly gateways: Authority;
  issueClient(wanted?: Wanted): Promise<Client>;
  /** Pushes a packet that only TLS can be a reason to refuse. */
  push(client: Client, bytes?: number): Promise<Exchange>;
  /** Replaces a program's key ring: the first key is the one that is signed with. */
  writeRing(program: "collector" | "gateway", ids: readonly [KeyId, ...KeyId[]]): Promise<void>;
  /** @param push fields that are not as usual */
  collectorConfig(appliance: { url: string; ca: string }, push?: object): Promise<object>;
  received(): Promise<number>;
  /** Pushes that were judged, whatever the judgement. */
  judged(): Promise<number>;
}

export async function startTlsRig(): Promise<TlsRig> {
  const folder = await makeFolder();
  const collectors = await makeAuthority("collectors' CA");
  const gateways = await makeAuthority("gateways' CA");
  await writeIdentity(folder, "push", await gateways.issue());
  await writeIdentity(folder, "api", await gateways.issue());
  await replaceFile(folder, "collectors-ca.pem", collectors.certificate);
  const writeRing: TlsRig["writeRing"] = (program, ids) => {
    const keys = ids.map((id) => ({ id, key: ringKeys[id] }));
    const ring = JSON.stringify({ version: 1, signing: ids[0], keys });
    return replaceFile(folder, `${program}-ring.json`, ring);
  };
  await writeRing("gateway", ["first"]);
  await writeRing("collector", ["first"]);
  const gateway = await launch("gateway", gatewayConfig, { folder });
  const ring = singleKeyRing(ringKeys.first, ["bound"]);
  let sequence = 0n;

  const push = (client: Client, bytes = 256): Promise<Exchange> => {
    const address = gateway.address("push");
    const { body, headers } = signPacket(Buffer.alloc(bytes, 7), new Audience(address), {
      ring,
      sequence: sequence++,
      timestamp: systemClock.wall(),
    });
    return exchange({
      url: `https://${address}/push`,
      method: "POST",
      headers: { ...headers, "content-length": body.length },
      send: body,
      ...client,
    });
  };
  const count = async (read: (metrics: Metrics) => number): Promise<number> =>
    read(await gateway.metrics());
  return {
    folder,
    gateway,
    collectors,
    gateways,
    push,
    writeRing,
    issueClient: async (wanted) =>
      clientOf(await collectors.issue(collectorIdentity(wanted)), gateways),
    collectorConfig: async ({ url, ca }, changed = {}) => {
      await replaceFile(folder, "appliance-ca.pem", ca);
      await replaceFile(folder, "gateways-ca.pem", gateways.certificate);
      await writeIdentity(folder, "collector", await collectors.issue(collectorIdentity()));
      return {
        sources: [
          { name: "counters", type: "Quantis", url, ca_file: "appliance-ca.pem", simulated: true },
        ],
        fetch_chunk_size: 1024,
        fetch_interval: "20ms",
        management_address: "127.0.0.1:0",
        key_ring_file: "collector-ring.json",
        push_url: `https://${gateway.address("push")}/push`,
        push: {
          packet_size: 1024,
          backoff_max: "200ms",
          ...changed,
          tls: {
            ca_file: "gateways-ca.pem",
            certificate_file: "collector.crt",
            key_file: "collector.key",
          },
        },
      };
    },
    received: () =>
      count((metrics) => valueOf(metrics, 'qrng_gateway_bytes_total{flow="received"}')),
    judged: () => count((metrics) => totalOf(metrics, "qrng_gateway_pushes_total")),
    [Symbol.asyncDispose]: async () => {
      await gateway[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const gatewayConfig = {
  listen_address: "127.0.0.1:0",
  management_address: "127.0.0.1:0",
  buffer_size: "16MiB",
  max_request_bytes: "16MiB",
  overflow: "DiscardOldest",
  api_keys: [apiKey],
  key_ring_file: "gateway-ring.json",
  simulated: true,
  tls: { certificate_file: "api.crt", key_file: "api.key" },
  push: {
    listen_address: "127.0.0.1:0",
    window: { future: 0 },
    tls: {
      certificate_file: "push.crt",
      key_file: "push.key",
      client_ca_file: "collectors-ca.pem",
      client_name: collectorName,
    },
  },
};

/** A right collector's certificate, but for what is wanted otherwise. */
export function collectorIdentity(wanted: Wanted = {}): Wanted {
  return { names: [collectorName], use: "clientAuth", ...wanted };
}

export function clientOf({ certificate, key }: Identity, gateways: Authority): Client {
  return { ca: gateways.certificate, cert: certificate, key };
}

/** Replaces a file as a whole, as Kubernetes and careful people do. */
export async function replaceFile(folder: Folder, name: string, text: string): Promise<void> {
  await writeFile(folder.at(`${name}.new`), text, { mode: 0o600 });
  await rename(folder.at(`${name}.new`), folder.at(name));
}

export async function writeIdentity(folder: Folder, name: string, { certificate, key }: Identity) {
  await replaceFile(folder, `${name}.crt`, certificate);
  await replaceFile(folder, `${name}.key`, key);
}
