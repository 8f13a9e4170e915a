import fc from "fast-check";
import type { z } from "zod";
import { collectorConfig } from "../../../collector/config.ts";
import { gatewayConfig } from "../../../gateway/config.ts";

/** Stands in every place of the examples that a secret could; no message may show it. */
export const marker = "Xk7Q2mZ9vR4tB8nW3pL6yD1f";
const hexKey = "c0ffee11".repeat(8);

/** Every field, so that every field is mutated. */
export const programs: readonly { name: string; schema: z.ZodType; text: string }[] = [
  {
    name: "collector",
    schema: collectorConfig,
    text: `# ${marker}
sources:
  - name: one
    type: Quantis
    url: https://192.0.2.10/${marker}
    ca_file: tls/${marker}.crt
    pinned_certificate_sha256s: ["${hexKey}"]
    fetch_chunk_size: 8KiB
    fetch_interval: 1s
    fetch_timeout: 5000
    simulated: true
  - {name: two, type: Quantis, url: "https://[fd00::7]/"}
  - {name: three, type: Anu, proxy_url: "http://proxy.example:3128", proxy_auth_file: ${marker}}
  - {name: four, type: Aqn, auth_file: ${marker}, min_entropy_millibits_per_byte: 6000}
  - {name: five, type: Qrypt, url: "https://api.example", auth_file: q, fetch_chunk_size: 2KiB}
  - name: six
    type: HttpBytes
    url: https://192.0.2.7/${marker}?size={bytes}
    client_certificate_file: c.crt
    client_key_file: c.key
    auth_file: six.key
    auth_header: X-API-Key
  - {name: seven, type: HttpJson, url: "https://a", path: ${marker}, encoding: base64}
  - {name: eight, type: File, path: "/${marker}"}
fetch_chunk_size: 64KiB
fetch_interval: 100ms
fetch_timeout: 10s
buffer_size: 16MiB
max_age: 5m
push_url: https://gateway.example:7765/${marker}
hmac_secret_key: ${hexKey}
push:
  peer: bridge
  audience: address
  packet_size: 65536
  packet_age: 250ms
  timeout: 10s
  window: 30s
  backoff_min: 100ms
  backoff_max: 10s
  allow_plaintext: false
  tls:
    ca_file: ${marker}
    certificate_file: /etc/tls.crt
    key_file: /etc/tls.key
management_address: "[::1]:9465"
log_level: info
shutdown_grace: 10s
`,
  },
  {
    name: "gateway",
    schema: gatewayConfig,
    text: `# ${marker}
listen_address: 127.0.0.1:7764
tls: {certificate_file: ${marker}, key_file: tls.key}
buffer_size: 16MiB
max_age: 1h
overflow: Reject
deployment_mode: Push
api_keys:
  - ${marker}
  - name: clients
    key: "sha256:${hexKey}"
allow_query_key: false
max_request_bytes: 1MiB
max_connections: 100
rate_limit:
  requests_per_second: 10
  burst: 20
  bytes_per_second: 1MiB
  failed_keys_per_minute: 60
hmac_secret_key: ${hexKey}
push:
  listen_address: 0.0.0.0:7765
  audience: 192.0.2.1:7765
  accept_unbound: true
  max_packet_size: 1MiB
  window:
    past: 30s
    future: 2s
  allow_plaintext: false
  tls:
    certificate_file: push.crt
    key_file: push.key
    client_auth: require
    client_ca_file: ca.crt
    client_name: collector.example
management_address: 127.0.0.1:9464
log_level: info
shutdown_grace: 10s
`,
  },
];

/** What a hand, an editor or a disk may put into a file. */
const pieces = fc.oneof(
  // prettier-ignore
  fc.constantFrom(
    "__proto__: 1\n", "constructor: {}\n", "toString: x\n", "hasOwnProperty: []\n",
    "<<: *x\n", "&x ", "*x", "!!binary aGk=", "!!set {a}", "!x ", "? ", "- ", "---\n", "...\n",
    "%YAML 1.1\n---\n", "\t", "\0", "\uFEFF", "\u2028", "\r\n", '"', "'", "|\n", ">\n", "#",
    "~", "null", "yes", ".nan", "1e999", "-0", "0x1F", "99999999999999999999", "[", "{", "}",
    "[".repeat(2000), "- ".repeat(500), "{a: ".repeat(300), "x".repeat(5000), "? ".repeat(400),
  ),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.string({ unit: "grapheme", maxLength: 12 }),
);

type Edit = (text: string) => string;

const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });

/** At a place in the text: insert, cut out, or overwrite. */
const editText: fc.Arbitrary<Edit> = fc
  .tuple(place, fc.nat(12), pieces)
  .map(([where, cut, piece]) => (text) => {
    const at = Math.floor(where * text.length);
    return text.slice(0, at) + piece + text.slice(at + cut);
  });

/** On a line: repeat it, drop it, indent it, or give it another value. */
const editLine: fc.Arbitrary<Edit> = fc
  .tuple(place, fc.constantFrom("repeat", "drop", "indent", "value"), fc.json({ maxDepth: 3 }))
  .map(([where, what, value]) => (text) => {
    const lines = text.split("\n");
    const at = Math.floor(where * lines.length);
    const line = lines[at] ?? "";
    const replacement = {
      repeat: [line, line],
      drop: [],
      indent: [`  ${line}`],
      value: [line.replace(/: .*$/, `: ${value}`)],
    }[what];
    return lines.toSpliced(at, 1, ...(replacement ?? [])).join("\n");
  });

/** A file that a few accidents have happened to, as bytes; some come out valid. */
export function mishapsOf(text: string): fc.Arbitrary<Buffer> {
  const edits = fc.array(fc.oneof(editText, editLine), { minLength: 1, maxLength: 4 });
  const edited = edits.map((all) => Buffer.from(all.reduce((done, edit) => edit(done), text)));
  const torn = fc
    .tuple(edited, place, fc.uint8Array({ maxLength: 6 }))
    .map(([bytes, where, noise]) => {
      const at = Math.floor(where * bytes.length);
      return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at + noise.length)]);
    });
  return fc.oneof({ weight: 3, arbitrary: edited }, torn);
}
