import { randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Clock } from "../../common/clock.ts";
import type { KeyRing } from "../../common/keys/keyRing.ts";
import { encodePacket } from "../../common/packet/msgpack.ts";
import { idBytes } from "../../common/packet/packet.ts";
import { type Audience, signatureOf } from "../../common/packet/signature.ts";

export interface SignedPacket {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** Numbers that only rise: from the boot time in µs, one more for each packet. */
export function createSequence(clock: Clock): () => bigint {
  let next = clock.wall() / 1000n;
  return () => next++;
}

/**
 * Signs data at this moment.
 * @param audience the gateway instance, or undefined for a v1 peer
 */
export function signPacket(
  data: Buffer,
  audience: Audience | undefined,
  { ring, sequence, timestamp }: { ring: KeyRing; sequence: bigint; timestamp: bigint },
): SignedPacket {
  const { id, secret } = ring.signing;
  const key = audience === undefined ? secret : audience.key(secret);
  const fields = { sequence, data, timestamp };
  const body = encodePacket({
    ...fields,
    id: randomBytes(idBytes),
    signature: signatureOf(key, fields),
    checksum: crc32(data),
  });
  return {
    body,
    headers: {
      "content-type": "application/msgpack",
      ...(audience === undefined ? {} : { "x-qrng-audience": audience.name, "x-qrng-key-id": id }),
    },
  };
}
