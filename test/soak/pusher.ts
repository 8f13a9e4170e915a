import { Agent } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { encodePacket } from "../../common/packet/msgpack.ts";
import type { BlockCipher } from "../endToEnd/helpers/blockCipher.ts";
import { exchange } from "../endToEnd/helpers/exchange.ts";
import { makePacket } from "../gateway/helpers/gateway.ts";

const packetBlocks = 4_096;
/** How long a full gateway is left alone. */
const pauseMilliseconds = 20;
/** How long a packet is pushed again and again: as long as it is fresh. */
const patienceMilliseconds = 30_000;

export interface PusherOptions {
  /** The push listener's address, which packets are signed for. */
  readonly audience: string;
  readonly cipher: BlockCipher;
  /** Told of an answer that ends the pushing. */
  readonly onWrong: (problem: string) => void;
}

/**
 * Pushes numbered blocks as fast as they are taken, as a collector does: the same packet again when
 * no answer came, the same bytes signed anew when there was no room.
 * @returns how many blocks were taken: 0, 1, 2, … without a gap
 */
export async function pushAll(options: PusherOptions, signal: AbortSignal): Promise<number> {
  const { audience, cipher, onWrong } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const headers = { "content-type": "application/msgpack", "x-qrng-audience": audience };
  let blocks = 0;
  let sequence = 1n;
  while (!signal.aborted) {
    const data = cipher.encrypt(blocks, packetBlocks);
    const send = encodePacket(makePacket({ data, audience, sequence }));
    const url = `http://${audience}/push`;
    const end = performance.now() + patienceMilliseconds;
    let status: number | undefined;
    do ({ status } = await exchange({ url, method: "POST", headers, agent, send }));
    while (status === undefined && performance.now() < end);
    if (status === 200 || status === 409) {
      blocks += packetBlocks;
      sequence += 1n;
    } else if (status === 507) await delay(pauseMilliseconds);
    else {
      onWrong(`push: ${status}`);
      break;
    }
  }
  agent.destroy();
  return blocks;
}
