import { randomBytes } from "node:crypto";
import { signatureBytes } from "../../common/packet/packet.ts";
import { SeenSet } from "../../gateway/push/seenSet.ts";
import { spreadOf } from "./median.ts";
import type { Row } from "./report.ts";

const packets = 20_000;

/** What a full set of seen signatures costs each packet, by its size: asked, then written. */
export function measureSeenSets(): Row[] {
  return [1_024, 65_536, 1_048_576].map((size) => {
    const set = new SeenSet(size);
    let stamp = 0n;
    const add = (signatures: Buffer): void => {
      for (let at = 0; at < signatures.length; at += signatureBytes) {
        const signature = signatures.subarray(at, at + signatureBytes);
        if (set.fateOf(signature) === undefined) set.add(signature, stamp++, "taken");
      }
    };
    add(randomBytes(size * signatureBytes));
    const times = Array.from({ length: 5 }, () => {
      const signatures = randomBytes(packets * signatureBytes);
      const begun = performance.now();
      add(signatures);
      return ((performance.now() - begun) / packets) * 1_000;
    });
    const { median } = spreadOf(times.slice(1));
    return { name: `${size} packets seen`, value: `${median.toFixed(2)} µs a packet` };
  });
}
