import { createHash, createSecretKey } from "node:crypto";
import { expect, test } from "vitest";
import { z } from "zod";
import { ConfigError } from "../../common/errors.ts";
import type { LogLevel } from "../../common/log/logger.ts";
import { SourceError } from "../../common/sources/source.ts";
import { captureLog } from "../helpers/capturedLog.ts";

/** As they are made and as people write them; none may show, nor a long part of one. */
const bytes = createHash("sha256").update("f00dface").digest();
const hex = bytes.toString("hex");
const base64 = bytes.toString("base64");
const base64url = bytes.toString("base64url");
const latin1 = bytes.toString("latin1");
/** Short enough to look like nothing; only its place tells that it is one. */
const password = "kOrrekt-Horse-9";
const secrets = [hex, base64, base64url, latin1, password];

const thrownBy = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return error;
  }
  return expect.fail("did not throw");
};

const withStack = (error: Error, stack: string): Error => Object.assign(error, { stack });
const mutated = (): Error => {
  const error = new Error(`wrong: ${password}`);
  error.message = "";
  return error;
};
const imitation = (name: string): string =>
  `no\n    at ${name} (file:///${name}:1:1)\n    at node:${name}:1:1\n    at file:///tmp/${name}:1:2`;
const getter = (get: () => unknown): object =>
  Object.defineProperty({}, "a", { get, enumerable: true });

/** What is logged, by the name of the attack. */
const attacks: Record<string, () => unknown> = {
  "JSON.parse quotes its input": () => ({ error: thrownBy(() => JSON.parse(`{"a": ${password}`)) }),
  "JSON.parse quotes a key": () => ({ error: thrownBy(() => JSON.parse(`[${hex}]`)) }),
  "ERR_INVALID_ARG_TYPE quotes the value": () => ({
    error: thrownBy(() => Buffer.from(Symbol(password) as unknown as string)),
  }),
  "ERR_INVALID_ARG_VALUE quotes the value": () => ({
    error: thrownBy(() => Buffer.alloc(1).fill(password, "no-such" as BufferEncoding)),
  }),
  "ERR_INVALID_URL keeps its input": () => ({ error: thrownBy(() => new URL(password)) }),
  "ENOENT keeps its path": () => ({ error: thrownBy(() => process.chdir(`/${password}`)) }),
  "a zod error": () => ({
    error: z.object({ a: z.literal(password) }).safeParse({ a: password, [hex]: 1 }).error,
  }),
  "a thrown zod error": () => ({
    error: thrownBy(() => z.strictObject({ a: z.enum([password]) }).parse({ [password]: 1 })),
  }),
  "an error by itself": () => new Error(password),
  "an error's own fields": () => ({
    error: Object.assign(new Error("no"), { password, options: { hex } }),
  }),
  "an error's name": () => ({ error: Object.assign(new Error("no"), { name: password }) }),
  "an error's code": () => ({ error: Object.assign(new Error("no"), { code: password }) }),
  "an error's constructor": () => ({
    error: Object.assign(new Error("no"), { constructor: { name: hex } }),
  }),
  "an error's causes": () => ({
    error: new Error("a", { cause: new Error("b", { cause: new TypeError(password) }) }),
  }),
  "a text that was thrown": () => ({ error: password }),
  "an object that was thrown": () => ({ error: { message: password } }),
  "a cause that is no error": () => ({ error: new Error("a", { cause: password }) }),
  "our own error with a cause of others": () => ({
    error: new SourceError("ERR_SOURCE_TLS", "not trusted", { cause: new Error(password) }),
  }),
  "our own error with a secret in its text": () => ({ error: new ConfigError(`key: ${hex}`) }),
  "an AggregateError": () => ({
    error: new AggregateError([new Error(password), password, { password }], password),
  }),
  "an AggregateError whose list is no list": () => ({
    error: Object.assign(new AggregateError([]), { errors: password }),
  }),
  "a message of many lines like a stack's": () => ({ error: new Error(imitation(password)) }),
  "the same, with a message that was changed": () => ({
    error: Object.assign(new Error(imitation(password)), { message: "no" }),
  }),
  "a message that was emptied": () => ({ error: mutated() }),
  "a stack that is no stack": () => ({ error: withStack(new Error("no"), password) }),
  "a stack that is a secret place": () => ({
    error: withStack(new Error("no"), `Error: no\n    at ${password} (file:///${hex}:1:1)`),
  }),
  "a stack that is an object": () => ({
    error: Object.assign(new Error("no"), { stack: { toString: () => password } }),
  }),
  bytes: () => ({ chunk: bytes, view: new Uint8Array(bytes), raw: bytes.buffer }),
  "bytes as a view of numbers": () => ({ words: new Uint32Array(new Uint8Array(bytes).buffer) }),
  "bytes as a list": () => ({ list: [...bytes], nested: { list: [[...bytes]] } }),
  "bytes as bigints": () => ({ list: [...bytes].map(BigInt) }),
  "bytes as Buffer's JSON": () => ({ chunk: bytes.toJSON() }),
  "bytes as latin1": () => ({ text: latin1, list: [`a${latin1}`] }),
  "bytes as utf8": () => ({ text: bytes.toString("utf8") }),
  "bytes as util.inspect shows them": () => ({ text: `got <Buffer ${hex.replace(/../g, "$& ")}>` }),
  "a KeyObject": () => ({ ring: [createSecretKey(bytes)] }),
  "secrets under their names": () => ({
    password,
    api_key: password,
    apiKey: password,
    hmac_secret_key: password,
    authorization: password,
    headers: { Authorization: password, "x-api-key": password, cookie: [password] },
    token: { nested: password },
    signature: 5,
    body: password,
    data: [password],
  }),
  "secrets under other names": () => ({ note: hex, list: [base64, { deep: base64url }] }),
  "secrets in names": () => ({ [hex]: 1, nested: { [base64url]: 2, [`x-${base64}`]: 3 } }),
  "secrets within text": () => ({
    text: `a key=${hex}, "${base64}" and '${base64url}'`,
    header: `Bearer ${password}`,
    basic: `authorization: basic ${password}`,
    query: `GET /api/random?api_key=${password}`,
    json: `{"password": "${password}"}`,
  }),
  "secrets under public names": () => ({
    url: `https://user:${password}@host/path?api_key=${password}`,
    path: latin1,
  }),
  PEM: () => ({
    text: `no: -----BEGIN PRIVATE KEY-----\n${base64.replace(/.{16}/g, "$&\n")}\n-----END PRIVATE KEY-----`,
  }),
  "base64 over several lines": () => ({
    text: `${base64.slice(0, 42)}\n${base64}\n${hex.slice(0, 20)}`,
  }),
  "a secret that the cut of a long text goes through": () => ({ text: "x ".repeat(500) + hex }),
  "the same, after much that is masked": () => ({ text: `${hex} `.repeat(15) + hex }),
  "a path of base64": () => ({ text: `/${base64url}/${base64url}` }),
  "a Map, a Set, a class and a boxed text": () => ({
    map: new Map([[password, password]]),
    set: new Set([password]),
    own: new (class Holder {
      held = password;
    })(),
    boxed: Object(password) as unknown,
    headers: new Headers({ "x-other": password }),
    parameters: new URLSearchParams({ a: password }),
  }),
  "functions and symbols": () => ({
    call: () => password,
    symbol: Symbol(password),
    [Symbol(password)]: password,
  }),
  toJSON: () => ({
    toJSON: () => ({ shown: password }),
    nested: { toJSON: () => password },
    own: new (class Holder {
      toJSON(): string {
        return password;
      }
    })(),
    date: Object.assign(new Date(0), { toJSON: () => password }),
  }),
  "toString and inspect": () => ({
    nested: { toString: () => password, [Symbol.toPrimitive]: () => password },
    date: Object.assign(new Date(0), { toISOString: () => latin1 }),
  }),
  "a getter that throws": () => ({ nested: getter(() => expect.fail(password)) }),
  "a getter that throws at the top": () =>
    getter(() => {
      throw new Error(password);
    }),
  "an error whose getters throw": () => ({
    error: Object.defineProperty(new Error("no"), "code", {
      get: () => {
        throw new Error(password);
      },
    }),
  }),
  "a proxy that throws": () => ({
    nested: new Proxy(
      {},
      {
        getPrototypeOf: () => {
          throw new Error(password);
        },
      },
    ),
  }),
  "a revoked proxy": () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return { nested: proxy };
  },
  "no date": () => ({ date: new Date(Number.NaN) }),
  "a prototype in JSON": () =>
    JSON.parse(`{"__proto__": {"a": "${hex}"}, "constructor": "${hex}"}`) as unknown,
  "a prototype that holds it": () => ({
    nested: Object.create({ password, shown: hex }) as unknown,
  }),
  "bytes in place of fields": () => bytes,
  "a list in place of fields": () => [hex, password.length],
  "a Map in place of fields": () => new Map([[password, password]]),
};

test.each(Object.entries(attacks))("%s: not in the log", (_, attack) => {
  const captured = captureLog();
  captured.log.error(attack() as object, "literal");
  expectNoSecret(captured.text());
  expect(captured.lines()).toMatchObject([{ level: "error", program: "test" }]);
});

test("a message that was built from a secret is masked as well", () => {
  const captured = captureLog();
  captured.log.info(`key ${hex}`);
  captured.log.info({}, `key ${base64}`);
  captured.log.info({ error: new Error(password) }, undefined as unknown as string);
  (captured.log.info as (...args: unknown[]) => void)("%s and %j", password, { password });
  (captured.log.info as (...args: unknown[]) => void)({}, "%s", password);
  (captured.log.info as (...args: unknown[]) => void)(null, "literal");
  expectNoSecret(captured.text());
  expect(captured.lines().length).toBe(6);
});

test("a polluted prototype does not reach the log", () => {
  const prototype = Object.prototype as { polluted?: string };
  prototype.polluted = password;
  try {
    const captured = captureLog();
    captured.log.info({ a: { b: 1 } }, "literal");
    expectNoSecret(captured.text());
  } finally {
    delete prototype.polluted;
  }
});

test("what is cyclic, wide, deep or huge ends in a bounded line", () => {
  const cyclic: Record<string, unknown> = {};
  for (let index = 0; index < 50; index++) cyclic[`a${index}`] = cyclic;
  const wide: unknown[] = [];
  for (let index = 0; index < 50; index++) wide.push(wide);
  let deep: unknown = hex;
  for (let index = 0; index < 10_000; index++) deep = { deep };
  const error = new Error("a");
  error.cause = error;
  const text = `${"y ".repeat(2_500_000)} ${hex} `.repeat(2);
  const captured = captureLog();
  captured.log.info({ cyclic, wide, deep, error, text, [text]: 1 }, text);
  captured.log.info({ error: Object.assign(new Error(text), { code: text }) }, "literal");
  captured.log.info({ many: Array.from({ length: 100_000 }, () => ({ hex })) }, "literal");
  expectNoSecret(captured.text());
  for (const line of captured.lines()) expect(JSON.stringify(line).length).toBeLessThan(50_000);
});

test("what may be seen is seen", () => {
  const captured = captureLog();
  const fields = {
    count: 3,
    yes: true,
    none: null,
    big: 5n,
    when: new Date(0),
    outcome: "taken",
    address: "[fd00::7]:7765",
    list: ["a", "b"],
    nested: { deep: { deeper: "x" } },
    object: "a-namespace-of-a-long-name/laboratory-one-gateway-management-signing-keys",
    informer: "networkpolicies.networking.k8s.io in a-namespace-of-a-rather-long-name-too",
    key_file: "/var/run/secrets/qrng-bridge/push-tls/current/a-long-name/tls.key",
    files: ["/etc/qrng-bridge/a-very-long-folder-name/another-long-one/keyring.json"],
    text: "/etc/qrng-bridge/a-very-long-folder-name/another-long-one/keyring.json: bad",
    certificate_sha256: hex,
    pin: bytes
      .toString("hex")
      .replace(/..(?!$)/g, "$&:")
      .toUpperCase(),
    url: "https://gateway.some-very-long-namespace-name.svc.cluster.local:7765/push",
  };
  captured.log.warn(fields, "source gives no bytes");
  expect(captured.lines()).toEqual([
    {
      ...fields,
      big: "5",
      when: "1970-01-01T00:00:00.000Z",
      level: "warn",
      program: "test",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      message: "source gives no bytes",
    },
  ]);
});

test("an error of others tells its class, its code and where it comes from", () => {
  const captured = captureLog();
  captured.log.error(
    { error: thrownBy(() => process.chdir(`/nowhere/${password}`)) as Error },
    "literal",
  );
  const [line] = captured.lines() as [{ error: { stack: string[] } }];
  expect(line.error).toMatchObject({ type: "Error", code: "ENOENT" });
  expect(line.error.stack[0]).toMatch(/log\.test\.ts:\d+:\d+$/);
});

test("an error of ours tells its text, its code and its cause's class", () => {
  const captured = captureLog();
  const cause = Object.assign(new TypeError(password), { code: "ECONNREFUSED" });
  const error = new SourceError("ERR_SOURCE_UNREACHABLE", "cannot be reached", { cause });
  captured.log.error({ error }, "literal");
  expect(captured.lines()[0]).toMatchObject({
    error: {
      type: "SourceError",
      code: "ERR_SOURCE_UNREACHABLE",
      message: "cannot be reached",
      cause: { type: "TypeError", code: "ECONNREFUSED" },
    },
  });
});

test("of bytes the length is seen", () => {
  const captured = captureLog();
  captured.log.info({ view: bytes, words: new Uint32Array(3), raw: new ArrayBuffer(5) }, "literal");
  expect(captured.lines()).toMatchObject([
    { view: "[32 bytes]", words: "[12 bytes]", raw: "[5 bytes]" },
  ]);
});

test("only lines of the level or above are written", () => {
  const levels: LogLevel[] = ["trace", "debug", "info", "warn", "error", "silent"];
  for (const [index, level] of levels.entries()) {
    const { log, messages } = captureLog(level);
    for (const name of levels.slice(0, -1) as Exclude<LogLevel, "silent">[]) log[name](name);
    expect(messages()).toEqual(levels.slice(index, -1));
  }
});

/** Neither a secret, nor 12 characters of a long one, nor a few of the bytes as numbers. */
function expectNoSecret(text: string): void {
  const shown = text
    .trim()
    .split("\n")
    .flatMap((line) => textsIn(JSON.parse(line)))
    .join("\n");
  for (const secret of secrets) {
    const part = secret.length > 20 ? 12 : secret.length;
    for (let at = 0; at + part <= secret.length; at++) {
      expect(shown).not.toContain(secret.slice(at, at + part));
    }
  }
  for (const list of [[...bytes], [...new Uint32Array(new Uint8Array(bytes).buffer)]]) {
    expect(text).not.toContain(list.slice(0, 4).join());
  }
}

/** Every text in a JSON value, names among them. */
function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, field]) => [name, ...textsIn(field)]);
}
