import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { makeAuthority } from "../../helpers/certificates.ts";

export const blockBytes = 16;
const magic = 0x51_52_4e_47_2d_49_31_21n; // "QRNG-I1!"

/** Blocks of 16 bytes that pass for random, and whose number can be told: AES-128(magic ‖ number). */
class BlockCipher {
  readonly #key = randomBytes(16);

  encrypt(first: number, count: number): Buffer {
    const plain = Buffer.alloc(count * blockBytes);
    for (let index = 0; index < count; index++) {
      plain.writeBigUInt64BE(magic, index * blockBytes);
      plain.writeBigUInt64BE(BigInt(first + index), index * blockBytes + 8);
    }
    return createCipheriv("aes-128-ecb", this.#key, null).setAutoPadding(false).update(plain);
  }

  /**
   * The numbers of the whole blocks in `data`.
   * @throws when one of them is no block: not the appliance's bytes, or not in step with them
   */
  numbersOf(data: Uint8Array): number[] {
    const plain = createDecipheriv("aes-128-ecb", this.#key, null)
      .setAutoPadding(false)
      .update(data.subarray(0, data.length - (data.length % blockBytes)));
    const numbers: number[] = [];
    for (let at = 0; at < plain.length; at += blockBytes) {
      if (plain.readBigUInt64BE(at) !== magic) throw new Error("bytes that are not a whole block");
      numbers.push(Number(plain.readBigUInt64BE(at + 8)));
    }
    return numbers;
  }
}

/** An answer of the appliance that left whole. */
export interface Given {
  /** Which life of the collector asked, from the path in its config. */
  readonly life: number;
  readonly first: number;
  readonly count: number;
}

export interface CounterAppliance extends AsyncDisposable {
  /** PEM. */
  readonly ca: string;
  readonly cipher: BlockCipher;
  readonly given: readonly Given[];
  url(life: number): string;
  /** From now on it has no bytes. */
  runDry(): void;
}

/** A simulated appliance, over HTTPS, that gives each block once. */
export async function startCounterAppliance(): Promise<CounterAppliance> {
  const cipher = new BlockCipher();
  const given: Given[] = [];
  let next = 0;
  let isDry = false;
  const authority = await makeAuthority("appliance CA");
  const { certificate, key } = await authority.issue();
  const server = createServer({ cert: certificate, key }, (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "https://appliance");
    const [, life, path] = /^\/(\d+)\/api\/2\.0\/(\w+)$/.exec(pathname) ?? [];
    if (path === "firmwareinfo") return void response.end("simulated: encrypted counters");
    if (path !== "streambytes" || isDry) return void response.writeHead(503).end();
    const count = Number(searchParams.get("size")) / blockBytes;
    const answer = { life: Number(life), first: next, count };
    next += count;
    response.once("finish", () => given.push(answer));
    response
      .writeHead(200, { "content-type": "application/octet-stream" })
      .end(cipher.encrypt(answer.first, count));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    ca: authority.certificate,
    cipher,
    given,
    url: (life) => `https://127.0.0.1:${port}/${life}`,
    runDry: () => (isDry = true),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
