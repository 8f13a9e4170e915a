import type { Packet } from "../../common/packet/packet.ts";

/** A packet's JSON spelling; our programs only read it. */
export function encodeJsonPacket(packet: Packet, timestamp = jsonTime(packet.timestamp)): Buffer {
  const id = Buffer.from(packet.id).toString("hex");
  const fields = {
    version: 1,
    id: id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5"),
    sequence: packet.sequence.toString(),
    data: Buffer.from(packet.data).toString("base64"),
    timestamp,
    signature: Buffer.from(packet.signature).toString("base64"),
    checksum: packet.checksum,
  };
  return Buffer.from(JSON.stringify(fields));
}

function jsonTime(nanoseconds: bigint): string {
  const seconds = new Date(Number(nanoseconds / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  return `${seconds}.${(nanoseconds % 1_000_000_000n).toString().padStart(9, "0")}Z`;
}
