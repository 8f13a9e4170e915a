import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { collectorConfig } from "../../../collector/config.ts";
import { parseConfig } from "../../../common/config/load.ts";
import { largestChunk, listSources } from "../../../common/sources/config.ts";
import { withSize } from "../../../common/sources/sizedUrl.ts";

const rest = "push_url: https://gateway\nhmac_secret_key_file: k\n";

function load(yaml: string) {
  return parseConfig(collectorConfig, `${rest}${yaml}`, "/etc/bridge/x.yaml");
}

/** Of one source, in flow style: `type: Anu, …`. */
const one = (fields: string) => `sources:\n  - {name: lab, ${fields}}\n`;

function problemOf(yaml: string): string {
  try {
    load(yaml);
  } catch (error) {
    return (error as Error).message.replace(/^\/etc\/bridge\/x\.yaml:\d+: /gm, "");
  }
  return expect.fail("took it");
}

describe("what an entry leaves out", () => {
  test.each<[string, object]>([
    [
      "type: Quantis, url: https://a",
      { fetch_chunk_size: 8192, fetch_interval: 250, fetch_timeout: 10_000, simulated: false },
    ],
    [
      "type: Anu",
      {
        url: "https://qrng.anu.edu.au/API/jsonI.php",
        fetch_chunk_size: 1024,
        fetch_interval: 60_000,
        fetch_timeout: 10_000,
      },
    ],
    [
      "type: Aqn, auth_file: k",
      {
        url: "https://api.quantumnumbers.anu.edu.au",
        auth_file: "/etc/bridge/k",
        fetch_chunk_size: 1024,
        fetch_interval: 1000,
      },
    ],
    [
      "type: Qrypt, url: https://a, auth_file: k",
      { fetch_chunk_size: 65_536, fetch_interval: 400 },
    ],
    ["type: HttpBytes, url: 'https://a/?n={bytes}'", { fetch_chunk_size: 8192 }],
    ["type: HttpJson, url: https://a, encoding: hex", { fetch_chunk_size: 8192 }],
    ["type: File, path: /dev/q, fetch_chunk_size: 512B", { fetch_chunk_size: 512 }],
  ])("%s", (fields, expected) => {
    const config = load(`fetch_chunk_size: 8KiB\nfetch_interval: 250ms\n${one(fields)}`);
    expect(listSources(config)).toMatchObject([
      { name: "lab", min_entropy_millibits_per_byte: 7900, ...expected },
    ]);
  });

  test("appliance_url is one Quantis source", () => {
    const config = load("appliance_url: https://a\nappliance_ca_file: ca.pem\n");
    expect(listSources(config)).toEqual([
      {
        name: "appliance",
        type: "Quantis",
        url: "https://a",
        ca_file: "/etc/bridge/ca.pem",
        simulated: false,
        min_entropy_millibits_per_byte: 7900,
        fetch_chunk_size: 65_536,
        fetch_interval: 100,
        fetch_timeout: 10_000,
      },
    ]);
  });

  test("the largest chunk is that of the types' own defaults too", () => {
    expect(largestChunk(load(`fetch_chunk_size: 1KiB\n${one("type: Anu")}`))).toBe(1024);
    const qrypt = one("type: Qrypt, url: https://a, auth_file: k");
    expect(largestChunk(load(`fetch_chunk_size: 1KiB\n${qrypt}`))).toBe(65_536);
  });
});

test.each<[string, string]>([
  [
    "type: Quantum, url: https://a",
    "sources[0].type: must be one of Quantis, Anu, Aqn, Qrypt, HttpBytes, HttpJson, File",
  ],
  [
    "url: https://a",
    "sources[0].type: must be one of Quantis, Anu, Aqn, Qrypt, HttpBytes, HttpJson, File",
  ],
  ["type: Quantis", "sources[0].url: is missing"],
  [
    "type: Quantis, url: https://a, auth_file: k",
    "sources[0].auth_file: has no function with this type, but with Aqn, Qrypt, HttpBytes, HttpJson",
  ],
  [
    "type: File, path: /dev/q, url: https://a",
    "sources[0].url: has no function with this type, but with Quantis, Anu, Aqn, Qrypt, HttpBytes, HttpJson",
  ],
  [
    "type: Anu, simulated: true",
    "sources[0].simulated: has no function with this type, but with Quantis",
  ],
  ["type: Anu, ca_fil: x", "sources[0].ca_fil: unknown key; did you mean ca_file?"],
  ["type: Anu, encodin: x", "sources[0].encodin: unknown key"],
  ["type: Anu, fetch_chunk_size: 2KiB", "sources[0].fetch_chunk_size: must be from 64B to 1KiB"],
  ["type: Anu, fetch_interval: 59s", "sources[0].fetch_interval: must be from 1m to 1h"],
  ["type: Aqn", "sources[0].auth_file: is missing"],
  [
    "type: Qrypt, url: https://a, auth_file: k, fetch_chunk_size: 1500",
    "sources[0].fetch_chunk_size: must be a multiple of 1KiB",
  ],
  [
    "type: Qrypt, url: https://a, auth_file: k, fetch_chunk_size: 513KiB",
    "sources[0].fetch_chunk_size: must be from 1KiB to 512KiB",
  ],
  [
    "type: Qrypt, url: 'https://a?size=1', auth_file: k",
    "sources[0].url: must not hold a query or fragment",
  ],
  [
    "type: HttpJson, url: https://a, encoding: hex, path: 'a..b'",
    "sources[0].path: must be keys and positions, such as data.random[0]",
  ],
  [
    "type: HttpJson, url: https://a, encoding: base32",
    'sources[0].encoding: Invalid option: expected one of "array"|"hex"|"base64"',
  ],
  [
    "type: HttpBytes, url: 'https://a/?n={size}'",
    "sources[0].url: knows no placeholder but {bytes}",
  ],
  [
    "type: HttpBytes, url: 'https://{bytes}.a/'",
    "sources[0].url: must hold {bytes} after the host only",
  ],
  [
    "type: HttpBytes, url: 'https://a/?api_key=0'",
    "sources[0].url: must not hold a credential, which logs on the way would keep; use auth_file",
  ],
  [
    "type: HttpBytes, url: 'https://u:p@a/'",
    "sources[0].url: must not hold a user name or password",
  ],
  ["type: HttpBytes, url: 'https://a/#x'", "sources[0].url: must not hold a query or fragment"],
  ["type: HttpBytes, url: 'https://a/?b#x'", "sources[0].url: must not hold a fragment"],
  ["type: HttpBytes, url: 'ftp://a/'", "sources[0].url: must be an http or https URL"],
  [
    "type: HttpBytes, url: 'http://192.0.2.1/'",
    "sources[0].url: must be https, or http to a loopback address",
  ],
  [
    "type: HttpBytes, url: https://a, auth_header: X",
    "sources[0].auth_header: goes with auth_file",
  ],
  [
    "type: HttpBytes, url: https://a, auth_file: k, auth_header: Host",
    "sources[0].auth_header: must not be a header with another use",
  ],
  [
    "type: HttpBytes, url: https://a, auth_file: k, auth_header: 'a b'",
    "sources[0].auth_header: must be a header's name, such as X-API-Key",
  ],
  [
    "type: Anu, client_certificate_file: c",
    "sources[0].client_certificate_file: goes together with client_key_file",
  ],
  ["type: Anu, proxy_auth_file: c", "sources[0].proxy_auth_file: goes with proxy_url"],
  [
    "type: Anu, proxy_url: https://p",
    "sources[0].proxy_url: must be http; what goes through it is TLS all the same",
  ],
  [
    "type: Quantis, url: http://127.0.0.1, proxy_url: http://p",
    "sources[0].proxy_url: has no function with an http url, which is this machine's own",
  ],
  ["type: File, path: dev/q", "sources[0].path: must be an absolute path, such as /dev/qrandom0"],
  [
    "type: Anu, min_entropy_millibits_per_byte: 8001",
    "sources[0].min_entropy_millibits_per_byte: must be at most 8000",
  ],
  ["type: Anu}\n  - {name: lab, type: Anu", "sources: two sources have the same name"],
])("%s", (fields, problem) => expect(problemOf(one(fields))).toBe(problem));

test("{bytes} becomes the size of a fetch", () => {
  expect(withSize("https://a/{bytes}?n={bytes}", 64).href).toBe("https://a/64?n=64");
});

describe("collector/README.md", async () => {
  const readme = await readFile(new URL("../../../collector/README.md", import.meta.url), "utf8");
  const section = readme.split(/^## /m).find((text) => text.startsWith("Sources")) ?? "";
  const examples = [...section.matchAll(/```yaml\n([^]*?)```/g)].map(([, yaml = ""]) => yaml);

  test.each(examples)("an example is a config: %s", (yaml) => {
    expect(listSources(load(yaml)).length).toBeGreaterThan(0);
  });

  test("has an example for each type of source", () => {
    const types = examples.flatMap((yaml) => listSources(load(yaml)).map(({ type }) => type));
    expect(new Set(types)).toEqual(
      new Set(["Quantis", "Anu", "Aqn", "Qrypt", "HttpBytes", "HttpJson", "File"]),
    );
  });

  test("says what to do about every code of a source", async () => {
    const source = new URL("../../../common/sources/source.ts", import.meta.url);
    const codes = new Set((await readFile(source, "utf8")).match(/ERR_SOURCE_[A-Z]+/g));
    expect([...codes].filter((code) => !readme.includes(`\`${code}\``))).toEqual([]);
  });
});
