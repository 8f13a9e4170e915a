import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { makeAuthority } from "../../helpers/certificates.ts";
import { BlockCipher, blockBytes } from "./blockCipher.ts";

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
  /** From now on, or until it is mended, it dies in the middle of each answer. */
  setBroken(isBroken: boolean): void;
  /** From now on it has no bytes. */
  runDry(): void;
}

/** A simulated appliance, over HTTPS, that gives each block once. */
export async function startCounterAppliance(): Promise<CounterAppliance> {
  const cipher = new BlockCipher();
  const given: Given[] = [];
  let next = 0;
  let isDry = false;
  let isBroken = false;
  const authority = await makeAuthority("appliance CA");
  const { certificate, key } = await authority.issue();
  const server = createServer({ cert: certificate, key }, (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "https://appliance");
    const [, life, path] = /^\/(\d+)\/api\/2\.0\/(\w+)$/.exec(pathname) ?? [];
    if (path === "firmwareinfo") return void response.end("simulated: encrypted counters");
    if (path !== "streambytes" || isDry) return void response.writeHead(503).end();
    const count = Number(searchParams.get("size")) / blockBytes;
    if (isBroken) {
      // Blocks that are never given whole, so that none of them may be seen again.
      const half = cipher.encrypt(next, count >> 1);
      next += count;
      response.writeHead(200, { "content-length": count * blockBytes }).write(half, () => {
        response.destroy();
      });
      return;
    }
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
    setBroken: (broken) => (isBroken = broken),
    runDry: () => (isDry = true),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
