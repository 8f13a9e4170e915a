/**
 * Numbers from random bytes, without bias. A sampler says how many bytes its first try needs and
 * asks for more only for what it had to reject.
 */
export type NextBytes = (count: number) => Promise<Buffer>;

export const minInt64 = -(2n ** 63n);
export const maxInt64 = 2n ** 63n - 1n;
export const maxUint64 = 2n ** 64n - 1n;

/**
 * Bytes for one number of a range: at least eight bits more than the range needs, so that fewer
 * than 1 in 256 are rejected; eight bytes at the most, where up to half of a range are.
 * @param size how many values the range has, 1 … 2^64
 */
export function bytesPerInteger(size: bigint): number {
  let bits = 0;
  for (let rest = size - 1n; rest > 0n; rest >>= 8n) bits += 8;
  return bits === 0 ? 0 : Math.min(8, bits / 8 + 1);
}

/**
 * Uniform integers of [min, max], by rejection: of the 2^(8·width) words those below the largest
 * multiple of the range's size are kept, and each residue stands for as many of them.
 * @param min, max min ≤ max, together within signed or unsigned 64 bits
 */
export async function sampleIntegers(
  next: NextBytes,
  { count, min, max }: { count: number; min: bigint; max: bigint },
): Promise<bigint[]> {
  const size = max - min + 1n;
  const width = bytesPerInteger(size);
  if (width === 0) return Array<bigint>(count).fill(min);
  const words = 1n << BigInt(8 * width);
  const limit = words - (words % size);
  const integers: bigint[] = [];
  while (integers.length < count) {
    const missing = count - integers.length;
    const bytes = await next(missing * width);
    for (let at = 0; at < bytes.length; at += width) {
      const word = readWord(bytes, at, width);
      if (word < limit) integers.push(min + (word % size));
    }
    bytes.fill(0);
  }
  return integers;
}

/** Sizes that `sampleBelow` takes: its words have at most 48 bits and are exact as numbers. */
export const maxSampleBelow = 2 ** 40;

/**
 * The same of [least, least + size), in numbers, which are several times faster.
 * @param size 1 … `maxSampleBelow`
 * @param least such that the whole range is exact
 */
export async function sampleBelow(
  next: NextBytes,
  count: number,
  size: number,
  least = 0,
): Promise<number[]> {
  const width = bytesPerInteger(BigInt(size));
  const integers = Array<number>(count).fill(least);
  if (width === 0) return integers;
  const words = 2 ** (8 * width);
  const limit = words - (words % size);
  let filled = 0;
  while (filled < count) {
    const bytes = await next((count - filled) * width);
    for (let at = 0; at < bytes.length; at += width) {
      let word = 0;
      for (let byte = at; byte < at + width; byte++) word = word * 256 + bytes[byte]!;
      if (word < limit) integers[filled++] = least + (word % size);
    }
    bytes.fill(0);
  }
  return integers;
}

/** Uniform multiples of 2^−53 in [0, 1): the upper 53 of 64 bits. */
export async function sampleFloats(next: NextBytes, count: number): Promise<number[]> {
  const bytes = await next(count * 8);
  const floats = Array.from({ length: count }, (_, index) => {
    const high = bytes.readUInt32BE(index * 8);
    const low = bytes.readUInt32BE(index * 8 + 4) >>> 11;
    return (high * 2 ** 21 + low) * 2 ** -53;
  });
  bytes.fill(0);
  return floats;
}

/** Random UUIDs (RFC 9562, version 4): 122 of 128 bits are random. */
export async function sampleUuids(next: NextBytes, count: number): Promise<string[]> {
  const bytes = await next(count * 16);
  const uuids = Array.from({ length: count }, (_, index) => {
    const uuid = bytes.subarray(index * 16, index * 16 + 16);
    uuid[6] = (uuid[6]! & 0x0f) | 0x40;
    uuid[8] = (uuid[8]! & 0x3f) | 0x80;
    return uuid.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  });
  bytes.fill(0);
  return uuids;
}

/** A uniform permutation (Fisher–Yates; Durstenfeld's form). */
export async function shuffle<Item>(next: NextBytes, items: readonly Item[]): Promise<Item[]> {
  const shuffled = [...items];
  for (let last = shuffled.length - 1; last > 0; last--) {
    const [other = 0] = await sampleBelow(next, 1, last + 1);
    const item = shuffled[last]!;
    shuffled[last] = shuffled[other]!;
    shuffled[other] = item;
  }
  return shuffled;
}

/** Whether every value of a range is exact as a JSON number. */
export function fitsNumber({ min, max }: { min: bigint; max: bigint }): boolean {
  return min >= BigInt(Number.MIN_SAFE_INTEGER) && max <= BigInt(Number.MAX_SAFE_INTEGER);
}

function readWord(bytes: Buffer, at: number, width: number): bigint {
  if (width <= 6) return BigInt(bytes.readUIntBE(at, width));
  if (width === 8) return bytes.readBigUInt64BE(at);
  return (BigInt(bytes.readUInt8(at)) << 48n) | BigInt(bytes.readUIntBE(at + 1, 6));
}
