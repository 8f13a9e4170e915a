import {
  createHmac,
  createSecretKey,
  hkdfSync,
  timingSafeEqual,
  type KeyObject,
} from "node:crypto";
import { packetVersion, type SignedFields } from "./packet.ts";

const audienceLabel = "qrng-bridge push v1\0";

/**
 * HMAC-SHA256(key, version ‖ sequence u64 BE ‖ data ‖ timestamp in ns i64 BE).
 * @returns 32 bytes
 */
export function signatureOf(key: KeyObject, fields: SignedFields): Buffer {
  const head = Buffer.alloc(9);
  head.writeUInt8(packetVersion, 0);
  head.writeBigUInt64BE(fields.sequence, 1);
  const tail = Buffer.alloc(8);
  tail.writeBigInt64BE(fields.timestamp);
  return createHmac("sha256", key).update(head).update(fields.data).update(tail).digest();
}

/** Whether `signature` (32 bytes) is the one of `fields` under `key`, in constant time. */
export function verifySignature(
  key: KeyObject,
  fields: SignedFields,
  signature: Uint8Array,
): boolean {
  return timingSafeEqual(signatureOf(key, fields), signature);
}

/**
 * The key that signs for one gateway instance only: HKDF-SHA256 (RFC 5869) with an empty salt and
 * the audience in the info, 32 bytes. A packet for one instance is worthless to every other.
 * @param audience the instance's own `address:port`, IPv6 in brackets
 */
export function audienceKey(ringKey: KeyObject, audience: string): KeyObject {
  const derived = new Uint8Array(hkdfSync("sha256", ringKey, "", audienceLabel + audience, 32));
  const key = createSecretKey(derived);
  derived.fill(0);
  return key;
}

/** One gateway instance, for which packets are signed. */
export class Audience {
  /** Its own `address:port`, IPv6 in brackets. */
  readonly name: string;
  readonly #derived = new WeakMap<KeyObject, KeyObject>();

  constructor(name: string) {
    this.name = name;
  }

  /** Its `audienceKey`, derived once: that takes as long as signing 64 KiB. */
  key(ringKey: KeyObject): KeyObject {
    const known = this.#derived.get(ringKey);
    if (known !== undefined) return known;
    const derived = audienceKey(ringKey, this.name);
    this.#derived.set(ringKey, derived);
    return derived;
  }
}
