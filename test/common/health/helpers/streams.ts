import { createCipheriv } from "node:crypto";

/** Bytes as good as any, that a seed of 0 … 255 repeats: AES-256 in counter mode. */
export function goodBytes(seed: number, length: number): Buffer {
  const cipher = createCipheriv("aes-256-ctr", Buffer.alloc(32, seed), Buffer.alloc(16));
  return cipher.update(Buffer.alloc(length));
}

/** Each bit is 1 with probability ½ + 2^−(masks + 1). */
export function biasedBytes(length: number, masks: number): Buffer {
  const bytes = goodBytes(1, length);
  const others = Array.from({ length: masks }, (_, index) => goodBytes(index + 2, length));
  return bytes.map(
    (byte, at) => byte | others.reduce((all, mask) => all & mask[at]!, 255),
  ) as Buffer;
}

/** The bits, the highest of a byte first, as text. */
export function bitsOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
}

/** The other way round; for a multiple of eight bits. */
export function bytesOf(bits: string): Uint8Array {
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (byte) => parseInt(byte, 2));
}

/** The array, cut where the numbers say, modulo what is left. */
export function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (const size of sizes) {
    const end = at + (size % (bytes.length - at + 1));
    pieces.push(bytes.subarray(at, end));
    at = end;
  }
  return [...pieces, bytes.subarray(at)];
}

export function shuffle<Item>(items: readonly Item[], random: () => number): Item[] {
  const shuffled = [...items];
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [shuffled[last], shuffled[other]] = [shuffled[other]!, shuffled[last]!];
  }
  return shuffled;
}
