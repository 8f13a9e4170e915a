import { mkdir, writeFile } from "node:fs/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { collectorConfig } from "../../collector/config.ts";
import { gatewayConfig } from "../../gateway/config.ts";
import { loadConfig, parseConfig } from "../../common/config/load.ts";
import { ConfigError } from "../../common/errors.ts";
import { makeFolder } from "../helpers/folder.ts";
import { marker, mishapsOf, programs } from "./helpers/configs.ts";

const [collector, gateway] = programs as [(typeof programs)[0], (typeof programs)[0]];

test.each(programs)("the $name's whole example is accepted", ({ schema, text }) => {
  expect(() => parseConfig(schema, text, "example.yaml")).not.toThrow();
});

test("durations, sizes and addresses are numbers and parts afterwards", () => {
  const config = parseConfig(gatewayConfig, gateway.text, "/etc/bridge/gateway.yaml");
  expect(config).toMatchObject({
    listen_address: { host: "127.0.0.1", port: 7764 },
    buffer_size: 16 * 2 ** 20,
    max_age: 3_600_000,
    push: { window: { past: 30_000, future: 2_000 } },
  });
});

test("fields named …_file are paths from the config's own folder, wherever they are nested", () => {
  const config = parseConfig(collectorConfig, collector.text, "/etc/bridge/collector.yaml");
  expect(config.sources?.[0]).toMatchObject({ ca_file: `/etc/bridge/tls/${marker}.crt` });
  expect(config.push.tls).toEqual({
    ca_file: `/etc/bridge/${marker}`,
    certificate_file: "/etc/tls.crt",
    key_file: "/etc/tls.key",
  });
  expect(config.push_url).toContain(marker);
});

const insertBefore = (text: string, line: string, more: string): string =>
  text.replace(new RegExp(`^( *)${line}`, "m"), `$1${more}\n$&`);

test.each([
  [
    "collector",
    "push_url",
    "buffersize: 1MiB",
    "buffersize: unknown key; did you mean buffer_size?",
  ],
  [
    "collector",
    "peer",
    "packetSize: 1KiB",
    "push.packetSize: unknown key; did you mean packet_size?",
  ],
  ["collector", "key_file", "cafile: x", "push.tls.cafile: unknown key; did you mean ca_file?"],
  [
    "collector",
    "ca_file",
    "fetch_chunck_size: 1KiB",
    "sources[0].fetch_chunck_size: unknown key; did you mean fetch_chunk_size?",
  ],
  ["gateway", "buffer_size", "api_key: x", "api_key: unknown key; did you mean api_keys?"],
  [
    "gateway",
    "burst",
    "request_per_second: 1",
    "rate_limit.request_per_second: unknown key; did you mean requests_per_second?",
  ],
  [
    "gateway",
    "client_name",
    "client_ca_fil: x",
    "push.tls.client_ca_fil: unknown key; did you mean client_ca_file?",
  ],
  ["gateway", "overflow", "zzz: x", "zzz: unknown key"],
  ["gateway", "overflow", "__proto__: x", "__proto__: unknown key"],
  ["gateway", "overflow", "constructor: x", "constructor: unknown key"],
  ["gateway", "past", "toString: x", "push.window.toString: unknown key"],
  ["gateway", "past", "__proto__: {past: 1s}", "push.window.__proto__: unknown key"],
])(
  "an unknown key of the %s, before %s, is named with its line: %s",
  (name, before, line, expected) => {
    const { schema, text } = name === "collector" ? collector : gateway;
    const changed = insertBefore(text, before, line);
    const number = changed.split("\n").findIndex((candidate) => candidate.trim() === line) + 1;
    expect(number).toBeGreaterThan(1);
    expect(refusalOf(schema, changed)).toBe(`x.yaml:${number}: ${expected}`);
  },
);

const minimal = "appliance_url: https://192.0.2.1\npush_url: https://a\nhmac_secret_key_file: k\n";

test.each<[string, string, string]>([
  [
    "two ways to say where packets go",
    `${minimal}push_urls: [https://b]\n`,
    "x.yaml:1: needs either push_url or push_urls",
  ],
  [
    "a push URL twice",
    minimal.replace("push_url: https://a", "push_urls: [https://a, https://a]"),
    "x.yaml:2: push_urls: two are the same",
  ],
  [
    "a missing field",
    minimal.replace(/push_url.*\n/, ""),
    "x.yaml:1: needs either push_url or push_urls",
  ],
  ["an empty file", "", "x.yaml:1: Invalid input: expected object, received null"],
  ["a list", "- a", "x.yaml:1: Invalid input: expected object, received array"],
  ["a tab", "push:\n\tpeer: v1", "x.yaml:2: not YAML (TAB_AS_INDENT)"],
  ["two documents", `${minimal}---\n${minimal}`, "x.yaml:4: not YAML (MULTIPLE_DOCS)"],
  ["a key twice", `${minimal}max_age: 1s\nmax_age: 2s`, "x.yaml:5: max_age: written twice"],
  [
    "a nested key twice",
    `${minimal}push: {peer: v1, peer: bridge}`,
    "x.yaml:4: peer: written twice",
  ],
  ["an alias", `${minimal}max_age: &a 1s\nfetch_interval: *a`, "x.yaml:5: aliases are not allowed"],
  ["an alias that explodes", bomb(), "x.yaml:2: aliases are not allowed"],
  [
    "a key that is a list",
    `${minimal}? [a, b]\n: c`,
    "x.yaml:4: keys that are no text are not allowed",
  ],
  ["keys in keys", `${"? ".repeat(500)}x`, "x.yaml:1: keys that are no text are not allowed"],
  ["deep brackets", `push: ${"[".repeat(5000)}`, "x.yaml:1: not YAML (RESOURCE_EXHAUSTION)"],
  [
    "a wrong unit",
    `${minimal}max_age: 1 hour`,
    "x.yaml:4: max_age: must be a duration such as 100ms or 1s, or a whole number of milliseconds",
  ],
  ["out of bounds", `${minimal}max_age: 1ms`, "x.yaml:4: max_age: must be from 1s to 1d"],
  [
    "a wrong name",
    `${minimal}log_level: loud`,
    'x.yaml:4: log_level: Invalid option: expected one of "trace"|"debug"|"info"|"warn"|"error"|"silent"',
  ],
  [
    "no URL",
    minimal.replace("https://a", "gateway"),
    "x.yaml:2: push_url: must be an http or https URL",
  ],
  ["a long key", `${minimal}${marker}: 1`, "x.yaml:4: (a key of 24 characters): unknown key"],
])("%s is told with its line", (_, text, expected) => {
  expect(refusalOf(collectorConfig, text)).toBe(expected);
});

test("all problems are told at once, up to twenty", () => {
  const text = `${minimal}${Array.from({ length: 30 }, (_, index) => `k${index}: 1\n`).join("")}max_age: x`;
  const lines = refusalOf(collectorConfig, text).split("\n");
  expect(lines.length).toBe(20);
  expect(lines[0]).toContain("max_age: must be");
});

test("50,000 keys that nobody knows are refused in one go", () => {
  const text = Array.from({ length: 50_000 }, (_, index) => `a${index}: x`).join("\n");
  expect(refusalOf(collectorConfig, text)).toContain("a0: unknown key");
});

test.each(programs)(
  "1,000 mishaps to the $name's file: accepted, or a ConfigError that quotes no value",
  ({ schema, text }) => {
    const counts = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(mishapsOf(text), (bytes) => {
        try {
          parseConfig(schema, bytes.toString("utf8"), "x.yaml");
          counts.accepted += 1;
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
          const { message, cause } = error as ConfigError;
          expect(message).toMatch(/^x\.yaml(:\d+)?: \S/);
          expect(message).not.toContain(marker);
          expect(message).not.toContain("c0ffee");
          expect(message.length).toBeLessThan(5000);
          expect(cause).toBeUndefined();
          counts.refused += 1;
        }
      }),
      { numRuns: 1000 },
    );
    expect(counts.accepted).toBeGreaterThan(10);
    expect(counts.refused).toBeGreaterThan(300);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  },
);

test("files: one that is there, missing, a folder, or far too large", async () => {
  await using folder = await makeFolder();
  await writeFile(folder.at("good.yaml"), minimal);
  await writeFile(folder.at("bad.yaml"), `${minimal}x: 1`);
  await writeFile(folder.at("large.yaml"), "#".repeat(2 ** 20 + 1));
  await mkdir(folder.at("folder"));
  const load = (name: string) => loadConfig(collectorConfig, folder.at(name));
  expect((await load("good.yaml")).hmac_secret_key_file).toBe(folder.at("k"));
  await expect(load("bad.yaml")).rejects.toThrow(`${folder.at("bad.yaml")}:4: x: unknown key`);
  await expect(load("none.yaml")).rejects.toThrow(
    `${folder.at("none.yaml")}: cannot be read (ENOENT)`,
  );
  await expect(load("folder")).rejects.toThrow(`${folder.at("folder")}: cannot be read (EISDIR)`);
  await expect(load("large.yaml")).rejects.toThrow("larger than 1MiB, so not a config");
});

/** The message for a text that is refused; it shows no secret. */
function refusalOf(schema: Parameters<typeof parseConfig>[0], text: string): string {
  try {
    parseConfig(schema, text, "x.yaml");
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as Error).message).not.toContain(marker);
    return (error as Error).message;
  }
  return expect.fail("accepted");
}

/** Ten lists of ten of the list before. */
function bomb(): string {
  const lists = Array.from(
    { length: 10 },
    (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(10)}]`,
  );
  return ["a0: &a0 [x]", ...lists].join("\n");
}
