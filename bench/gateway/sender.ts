import { createSecretKey, randomBytes } from "node:crypto";
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { crc32 } from "node:zlib";
import { encodePacket } from "../../common/packet/msgpack.ts";
import { audienceKey, signatureOf } from "../../common/packet/signature.ts";
import { ringKeyHex } from "./pushed.ts";

/** What a collector shows, and whom it trusts; PEM. */
export interface Identity {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

const connections = 4;

/** Pushes packets over a few connections, each signed anew. */
export class Sender implements Disposable {
  readonly #audience: string;
  readonly #agent: HttpAgent | HttpsAgent;
  readonly #request: typeof httpRequest;
  readonly #key;
  #sequence = 0n;

  /** @param identity with it, over TLS */
  constructor(audience: string, identity?: Identity) {
    const keep = { keepAlive: true, maxSockets: connections };
    this.#audience = audience;
    this.#agent =
      identity === undefined ? new HttpAgent(keep) : new HttpsAgent({ ...keep, ...identity });
    this.#request = identity === undefined ? httpRequest : httpsRequest;
    this.#key = audienceKey(createSecretKey(ringKeyHex, "hex"), audience);
  }

  /** @returns packets that were taken in a second */
  async measure(packetBytes: number, seconds: number): Promise<number> {
    const data = randomBytes(packetBytes);
    const begun = performance.now();
    const end = begun + seconds * 1_000;
    let taken = 0;
    const send = async (): Promise<void> => {
      while (performance.now() < end) {
        await this.#push(data);
        taken += 1;
      }
    };
    await Promise.all(Array.from({ length: connections }, send));
    return (taken / (performance.now() - begun)) * 1_000;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #push(data: Buffer): Promise<void> {
    this.#sequence += 1n;
    const timestamp = BigInt(Date.now()) * 1_000_000n;
    const fields = { data, sequence: this.#sequence, timestamp };
    const body = encodePacket({
      ...fields,
      id: randomBytes(16),
      signature: signatureOf(this.#key, fields),
      checksum: crc32(data),
    });
    const status = await this.#post(body);
    if (status !== 200) throw new Error(`a push was answered ${status}`);
  }

  #post(body: Buffer): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const [host, port] = this.#audience.split(":");
    const headers = {
      "content-type": "application/msgpack",
      "content-length": body.length,
      "x-qrng-audience": this.#audience,
    };
    const options = { host, port, path: "/push", method: "POST", agent: this.#agent, headers };
    const request = this.#request(options, (response) => {
      response.resume().once("end", () => resolve(response.statusCode ?? 0));
    });
    request.once("error", reject);
    request.end(body);
    return promise;
  }
}
