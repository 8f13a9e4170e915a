import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

export const blockBytes = 16;
const magic = Buffer.from("QRNG-I1!");
const numberBytes = 6;

/** Blocks of 16 bytes that pass for random, and whose number can be told: AES-128(magic ‖ number). */
export class BlockCipher {
  readonly #key = randomBytes(16);

  encrypt(first: number, count: number): Buffer {
    const plain = Buffer.alloc(count * blockBytes);
    for (let index = 0; index < count; index++) {
      plain.set(magic, index * blockBytes);
      plain.writeUIntBE(first + index, (index + 1) * blockBytes - numberBytes, numberBytes);
    }
    return createCipheriv("aes-128-ecb", this.#key, null).setAutoPadding(false).update(plain);
  }

  /**
   * The numbers of the whole blocks in `data`.
   * @throws when one of them is no block: not of this cipher, or not in step with them
   */
  numbersOf(data: Uint8Array): number[] {
    const plain = createDecipheriv("aes-128-ecb", this.#key, null)
      .setAutoPadding(false)
      .update(data.subarray(0, data.length - (data.length % blockBytes)));
    const numbers: number[] = [];
    for (let at = 0; at < plain.length; at += blockBytes) {
      if (plain.compare(magic, 0, magic.length, at, at + magic.length) !== 0) {
        throw new Error("bytes that are not a whole block");
      }
      numbers.push(plain.readUIntBE(at + blockBytes - numberBytes, numberBytes));
    }
    return numbers;
  }
}
