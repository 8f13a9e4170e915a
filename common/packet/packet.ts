import { BridgeError } from "../errors.ts";

/** The one version of the packet format, first element of the array and first byte under the MAC. */
export const packetVersion = 1;
export const idBytes = 16;
export const signatureBytes = 32;
export const maxSequence = 2n ** 64n - 1n;
export const maxChecksum = 2 ** 32 - 1;

/** Bytes that a MessagePack packet can be longer than its data. */
export const packetOverheadBytes = 104;

/** What a packet signs: everything but the id and the checksum, on which nobody may rely. */
export interface SignedFields {
  /** 0 … 2^64 − 1. */
  readonly sequence: bigint;
  readonly data: Uint8Array;
  /** Nanoseconds since the Unix epoch, in the range of a signed 64-bit integer. */
  readonly timestamp: bigint;
}

export interface Packet extends SignedFields {
  /** 16 bytes, unsigned. */
  readonly id: Uint8Array;
  /** HMAC-SHA256, 32 bytes. */
  readonly signature: Uint8Array;
  /** CRC-32 of data; already checked when a decoder returns it. */
  readonly checksum: number | null;
}

/** A body that is not a packet. The message names the field and never quotes the input. */
export class PacketError extends BridgeError {
  constructor(message: string) {
    super("ERR_PACKET_FORMAT", message);
  }
}
