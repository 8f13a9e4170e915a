import { hashInto, hashOutputBytes } from "../conditioning/conditioner.ts";

/** What one source gives to a mix: for each unit of output so many bytes, for all units or fewer. */
export interface Share {
  readonly data: Buffer;
  readonly unitBytes: number;
}

/** XOR, byte by byte. The output is zero before; a unit is a byte. */
export function combineByXor(shares: readonly Share[], output: Buffer): void {
  for (const { data } of shares) {
    for (let at = 0; at < data.length; at++) output[at]! ^= data[at]!;
  }
}

/** Block by block SHA-512 of all that the shares give for it, one after the other. */
export function combineByHash(shares: readonly Share[], output: Buffer): void {
  const scratch = Buffer.alloc(shares.reduce((sum, { unitBytes }) => sum + unitBytes, 0));
  for (let block = 0; block * hashOutputBytes < output.length; block++) {
    let inputBytes = 0;
    for (const { data, unitBytes } of shares) {
      const part = data.subarray(block * unitBytes, (block + 1) * unitBytes); // none, if it ended
      scratch.set(part, inputBytes);
      inputBytes += part.length;
    }
    hashInto(output, block * hashOutputBytes, scratch.subarray(0, inputBytes));
  }
  scratch.fill(0);
}
