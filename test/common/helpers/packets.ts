import { createSecretKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { crc32 } from "node:zlib";
import type { Packet, SignedFields } from "../../../common/packet/packet.ts";
import { signatureOf, verifySignature } from "../../../common/packet/signature.ts";

interface Vector {
  readonly sequence: string;
  readonly data: string;
  readonly timestamp: string;
  readonly signature: string;
  readonly checksum: number | null;
  readonly packet: string;
  readonly accept: boolean;
}

interface VectorFile {
  readonly key: string;
  readonly id: string;
  readonly packets: readonly [Vector, ...Vector[]];
  readonly audiences: readonly { readonly audience: string; readonly key: string }[];
  readonly bound: {
    readonly packet: number;
    readonly audience: string;
    readonly signature: string;
  };
}

export const vectors = JSON.parse(
  readFileSync(new URL("../../vectors/packets.json", import.meta.url), "utf8"),
) as VectorFile;

export const accepted = vectors.packets.filter(({ accept }) => accept);
export const refused = vectors.packets.filter(({ accept }) => !accept);

export const testKey = createSecretKey(vectors.key, "hex");
export const testId = Buffer.from(vectors.id.replaceAll("-", ""), "hex");

/** A packet with the right signature and, where wanted, the right checksum. */
export function sign(fields: SignedFields, { id = testId, checksum = true } = {}): Packet {
  return {
    ...fields,
    id,
    signature: signatureOf(testKey, fields),
    checksum: checksum ? crc32(fields.data) : null,
  };
}

export function verifies(packet: Packet, key: KeyObject = testKey): boolean {
  return verifySignature(key, packet, packet.signature);
}

/** Every range of sequence numbers has its own width on the wire. */
const anySequence = fc.oneof(
  fc.bigInt(0n, 2n ** 64n - 1n),
  ...[7n, 8n, 16n, 32n, 53n].map((bits) => fc.bigInt(2n ** bits - 3n, 2n ** bits + 3n)),
);

export const anyNanoseconds = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n);

export const anyPacket: fc.Arbitrary<Packet> = fc
  .record({
    sequence: anySequence,
    data: fc.uint8Array({ minLength: 1, maxLength: 600 }),
    timestamp: anyNanoseconds,
    id: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    checksum: fc.boolean(),
  })
  .map(({ id, checksum, ...fields }) => sign(fields, { id: Buffer.from(id), checksum }));
