import type { KeyObject } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { formatAddress } from "../../../common/config/fields.ts";
import { decodePacket } from "../../../common/packet/msgpack.ts";
import { audienceKey, verifySignature } from "../../../common/packet/signature.ts";

/** A status, or what is none. */
export type Answer = number | "reset" | "hang";

/** A whole push that came in, and whose signature is right; bytes as hex. */
export interface Push {
  readonly instance: string;
  readonly keyId: string | undefined;
  readonly body: string;
  readonly data: string;
  readonly signature: string;
  readonly sequence: bigint;
  readonly timestamp: bigint;
}

export interface ScriptedGateway extends AsyncDisposable {
  readonly port: number;
  /** `host:port`. */
  readonly instance: string;
  readonly pushes: readonly Push[];
  connections(): number;
  /** What the next pushes get; 200 to begin with. */
  answer(script: (push: Push) => Answer): void;
}

export interface GatewayOptions {
  readonly host?: string;
  /** Any free one when left out. */
  readonly port?: number;
  readonly keys: Readonly<Record<string, KeyObject>>;
  /** Its own address when left out; `none` for a v1 gateway, which takes the one key as it is. */
  readonly audience?: string;
}

/**
 * A gateway that judges every push as the real one would and then answers as the test says.
 * Disposing throws when there was a push that a real one would not have understood.
 */
export async function startScriptedGateway(options: GatewayOptions): Promise<ScriptedGateway> {
  const { host = "127.0.0.1", port = 0 } = options;
  const pushes: Push[] = [];
  const problems: unknown[] = [];
  let connections = 0;
  let instance = "";
  let script: (push: Push) => Answer = () => 200;

  const receive = async (request: IncomingMessage): Promise<Answer> => {
    const audience = options.audience ?? instance;
    const push = readPush(request, await bodyOf(request), { ...options, audience, instance });
    pushes.push(push);
    return script(push);
  };
  const server = createServer((request, response) => {
    receive(request).then(
      (answer) => {
        if (answer === "reset") request.socket.resetAndDestroy();
        else if (answer !== "hang") response.writeHead(answer).end();
      },
      (error: unknown) => {
        if (request.complete) problems.push(error); // else the test cut it
        response.writeHead(400).end();
      },
    );
  });
  server.on("connection", () => (connections += 1));
  server.listen(port, host);
  await once(server, "listening");
  const own = (server.address() as AddressInfo).port;
  instance = formatAddress({ host, port: own });
  return {
    port: own,
    instance,
    pushes,
    connections: () => connections,
    answer: (next) => (script = next),
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
      if (problems.length > 0) throw new AggregateError(problems, "pushes that are none");
    },
  };
}

/** Two gateways at 127.0.0.1 and 127.0.0.2, on one port. */
export async function startTwoGateways(
  keys: GatewayOptions["keys"],
): Promise<[ScriptedGateway, ScriptedGateway]> {
  for (let attempt = 0; ; attempt++) {
    const first = await startScriptedGateway({ keys });
    try {
      const second = await startScriptedGateway({ keys, host: "127.0.0.2", port: first.port });
      return [first, second];
    } catch (error) {
      await first[Symbol.asyncDispose]();
      if (attempt === 10) throw error; // not a port that somebody else had by chance
    }
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function readPush(
  { method, url, headers }: IncomingMessage,
  body: Buffer,
  {
    keys,
    audience,
    instance,
  }: Required<Pick<GatewayOptions, "keys" | "audience">> & {
    instance: string;
  },
): Push {
  const keyId = headers["x-qrng-key-id"] as string | undefined;
  const named = Object.keys(headers).toSorted().join(" ");
  const usual = "connection content-length content-type host";
  const expected = audience === "none" ? usual : `${usual} x-qrng-audience x-qrng-key-id`;
  if (named !== expected) throw new Error(`headers: ${named}`);
  if (method !== "POST" || url !== "/push") throw new Error(`${method} ${url}`);
  if (headers["content-type"] !== "application/msgpack") throw new Error("content-type");
  if (audience !== "none" && headers["x-qrng-audience"] !== audience) throw new Error("audience");
  const key = audience === "none" ? Object.values(keys)[0] : keys[keyId ?? ""];
  if (key === undefined) throw new Error(`no key ${keyId}`);
  const packet = decodePacket(body);
  const bound = audience === "none" ? key : audienceKey(key, audience);
  if (!verifySignature(bound, packet, packet.signature)) throw new Error("signature");
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
  return {
    instance,
    keyId,
    body: hex(body),
    data: hex(packet.data),
    signature: hex(packet.signature),
    sequence: packet.sequence,
    timestamp: packet.timestamp,
  };
}
