import { createCipheriv } from "node:crypto";

/** Bytes that a seed repeats: AES-128-CTR, so as uniform as any test can tell. */
export function seededBytes(seed: number): (count: number) => Buffer {
  const key = Buffer.alloc(16);
  key.writeUInt32BE(seed);
  const cipher = createCipheriv("aes-128-ctr", key, Buffer.alloc(16));
  return (count) => cipher.update(Buffer.alloc(count));
}
