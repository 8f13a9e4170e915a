import type { BridgeInput } from "../../../operator/bridge/schema.ts";

/**
 * A bridge in which everything that a rule looks at is as large as it may be: what rules cost at run
 * time has a budget too, and it is spent on real objects.
 */
type Spec = BridgeInput["spec"];
type Peer = NonNullable<NonNullable<Spec["gateway"]>["clients"]>[number];

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

const hex = (index: number): string => index.toString(16).padStart(4, "0");
const address = (index: number): string => `2001:0db8:0000:0000:0000:0000:0001:${hex(index)}`;

const labels = (key: (index: number) => string): Record<string, string> =>
  Object.fromEntries(times(32, (index) => [key(index), "v".repeat(63)]));

const labelKey = (index: number): string => `${"d".repeat(253)}/${"k".repeat(59)}${hex(index)}`;

const peers: Peer[] = times(16, (index) =>
  index % 2 === 0
    ? {
        ipBlock: {
          cidr: `2001:0db8:0000:0000:0000:0000:${hex(index)}:0000/112`,
          except: times(
            8,
            (part) => `2001:0db8:0000:0000:0000:0000:${hex(index)}:${hex(part)}/128`,
          ),
        },
      }
    : {
        podSelector: {
          matchExpressions: times(8, (key) => ({
            key: labelKey(key),
            operator: "In" as const,
            values: times(16, (value) => "v".repeat(59) + hex(value)),
          })),
        },
      },
);
const egress = { to: peers, ports: times(8, (index) => 60_000 + index) };

const longUrl = (index: number): string => {
  const start = `https://[${address(index)}]:65535/`;
  return start + "a".repeat(2048 - start.length);
};

const secret = { name: "s".repeat(253), key: "k".repeat(253) };
const pod = {
  labels: labels((index) => `${"q".repeat(253)}/${"k".repeat(59)}${hex(index)}`),
};

export const maximal: Spec = {
  topology: "CollectorOnly",
  sources: times(16, (index) => ({
    name: `s${"x".repeat(35)}${hex(index)}`,
    type: "HttpJson" as const,
    url: longUrl(index),
    path: `a${".b".repeat(127)}`,
    encoding: "Base64" as const,
    authSecretRef: secret,
    authHeader: "X".repeat(64),
    caRef: { kind: "Secret" as const, ...secret },
    pinnedCertificateSha256s: times(4, (pin) => hex(pin).repeat(16)),
    chunkBytes: 2 ** 20,
    intervalMilliseconds: 3_600_000,
    egress,
  })),
  mixing: { strategy: "Hash", minSources: 16 },
  collector: {
    bufferBytes: 2 ** 32,
    packetBytes: 2 ** 20,
    pod,
    push: { urls: times(16, longUrl), egress },
  },
  signing: { secretRef: secret, revokedKeyIds: times(16, (index) => "k".repeat(60) + hex(index)) },
  monitoring: { scrapeFrom: peers },
};
