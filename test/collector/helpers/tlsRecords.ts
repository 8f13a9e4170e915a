import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { createSecureContext, TLSSocket } from "node:tls";
import type { Identity } from "../../helpers/certificates.ts";

// The server's side of TLS 1.3 after the handshake, made by hand (RFC 8446, sections 4.6, 5.2, 7.2
// and 7.3): Node sends no KeyUpdate, ticket or second request for a certificate when told to.

const tagBytes = 16;
const headerBytes = 5;
const contentType = { handshake: 22, applicationData: 23 };

/** Handshake messages that a server may send after the handshake, or must not. */
export const messages = {
  /** With `update_requested`: the client must answer with one of its own. */
  keyUpdate: Buffer.of(24, 0, 0, 1, 1),
  ticket: handshake(
    4,
    Buffer.concat([
      Buffer.alloc(8, 1),
      Buffer.of(1, 7, 0, 200),
      Buffer.alloc(200, 9),
      Buffer.alloc(2),
    ]),
  ),
  /** TLS 1.2's call for a renegotiation. */
  helloRequest: handshake(0, Buffer.alloc(0)),
  certificateRequest: handshake(13, Buffer.of(0, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3)),
};

function handshake(type: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.of(type, 0, body.length >> 8, body.length & 255), body]);
}

/** HKDF-Expand-Label without a context, for at most 32 bytes. */
function expandLabel(secret: Buffer, label: string, length: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([Buffer.of(0, length, name.length), name, Buffer.of(0, 1)]);
  return createHmac("sha256", secret).update(info).digest().subarray(0, length);
}

/** One side's records under its traffic secret; TLS_AES_128_GCM_SHA256. */
class Records {
  #secret: Buffer;
  #sequence = 0;
  #key!: Buffer;
  #iv!: Buffer;

  constructor(secret: Buffer) {
    this.#secret = secret;
    this.#derive();
  }

  /** Counts a record that was sent under this secret; gives whether it was. */
  skip(record: Buffer): boolean {
    const decipher = createDecipheriv("aes-128-gcm", this.#key, this.#nonce());
    decipher.setAAD(record.subarray(0, headerBytes));
    decipher.setAuthTag(record.subarray(-tagBytes));
    decipher.update(record.subarray(headerBytes, -tagBytes));
    try {
      decipher.final();
    } catch {
      return false; // of the handshake, under another secret
    }
    this.#sequence += 1;
    return true;
  }

  handshake(message: Buffer): Buffer {
    const record = this.#seal(message, contentType.handshake);
    if (message === messages.keyUpdate) {
      this.#secret = expandLabel(this.#secret, "traffic upd", 32);
      this.#sequence = 0;
      this.#derive();
    }
    return record;
  }

  data(text: string): Buffer {
    return this.#seal(Buffer.from(text), contentType.applicationData);
  }

  #seal(content: Buffer, type: number): Buffer {
    const header = Buffer.of(contentType.applicationData, 3, 3, 0, 0);
    header.writeUInt16BE(content.length + 1 + tagBytes, 3);
    const cipher = createCipheriv("aes-128-gcm", this.#key, this.#nonce()).setAAD(header);
    const sealed = cipher.update(Buffer.concat([content, Buffer.of(type)]));
    this.#sequence += 1;
    return Buffer.concat([header, sealed, cipher.final(), cipher.getAuthTag()]);
  }

  #nonce(): Buffer {
    const nonce = Buffer.from(this.#iv);
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ this.#sequence) >>> 0, 8);
    return nonce;
  }

  #derive(): void {
    this.#key = expandLabel(this.#secret, "key", 16);
    this.#iv = expandLabel(this.#secret, "iv", 12);
  }
}

export interface RecordPeer {
  /** What the server sends from now on; the TLS under it must send nothing any more. */
  readonly records: Records;
  readonly tcp: Socket;
}

export interface RecordServer extends AsyncDisposable {
  readonly port: number;
  /** Requests that came, whole. */
  readonly requests: string[];
}

/**
 * A server that handshakes as TLS 1.3 does, waits for a request of one piece and then lets `play`
 * send what it likes, record by record, on the first connection; on others it answers 200.
 */
export async function startRecordServer(
  identity: Identity,
  play: (peer: RecordPeer) => void | Promise<void>,
): Promise<RecordServer> {
  const secureContext = createSecureContext({
    cert: identity.certificate,
    key: identity.key,
    minVersion: "TLSv1.3",
    ciphers: "TLS_AES_128_GCM_SHA256",
  });
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((tcp) => {
    const index = connections++;
    sockets.add(tcp);
    tcp.on("error", () => undefined).on("close", () => sockets.delete(tcp));
    const { stream, sent } = watched(tcp);
    const secure = new TLSSocket(stream, { isServer: true, secureContext });
    let records: Records | undefined;
    secure.on("error", () => undefined);
    secure.on("keylog", (line: Buffer) => {
      const [, secret] = /^SERVER_TRAFFIC_SECRET_0 \w+ (\w+)/.exec(line.toString()) ?? [];
      if (secret !== undefined) records = new Records(Buffer.from(secret, "hex"));
    });
    secure.on("data", (request: Buffer) => {
      if (index > 0) {
        requests.push(request.toString("latin1"));
        return void secure.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
      }
      void untilTickets(records!, sent).then(() => play({ records: records!, tcp }));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
}

/** The socket as a stream that keeps what is written to it. */
function watched(tcp: Socket): { stream: Duplex; sent: Buffer[] } {
  const sent: Buffer[] = [];
  const stream = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      sent.push(chunk);
      tcp.write(chunk, () => done());
    },
  });
  tcp.on("data", (chunk: Buffer) => void stream.push(chunk));
  tcp.on("close", () => stream.destroy());
  return { stream, sent };
}

/** OpenSSL's own tickets follow the handshake, both in one piece; the client counts them. */
async function untilTickets(records: Records, sent: readonly Buffer[]): Promise<void> {
  const count = (): number =>
    recordsOf(Buffer.concat(sent)).filter((record) => records.skip(record)).length;
  while (count() === 0) await turn();
}

/** The protected records among what was sent. */
function recordsOf(sent: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < sent.length;) {
    const end = at + headerBytes + sent.readUInt16BE(at + 3);
    if (sent[at] === contentType.applicationData) found.push(sent.subarray(at, end));
    at = end;
  }
  return found;
}
