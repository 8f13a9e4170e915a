import { randomBytes } from "node:crypto";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Retry, SourceErrorCode } from "../../../common/sources/source.ts";
import { makeAuthority, type Authority } from "../../helpers/certificates.ts";
import { sends, startFaultAppliance, type FaultAppliance } from "../../helpers/faultAppliance.ts";
import { fetchFrom, openSource, refusalOf, type OpenSource } from "../../helpers/sources.ts";
import { anuService, aqnService, qryptService } from "./helpers/services.ts";

const key = "a-key-of-this-test-only-0001";
const minute: Retry = { when: "later", afterMilliseconds: 60_000 };
const changed: Retry = { when: "changed" };

let authority: Authority;
let server: FaultAppliance;
let now = 0;
beforeAll(async () => {
  authority = await makeAuthority();
});
beforeEach(async () => {
  now = 1_000_000;
  server = await startFaultAppliance({ identity: await authority.issue() });
});
afterEach(() => server[Symbol.asyncDispose]());

type Type = "Anu" | "Aqn" | "Qrypt";

function open(type: Type, entry: object = {}, credential = key): Promise<OpenSource> {
  return openSource({
    entry: { type, url: type === "Anu" ? `${server.url}/API/jsonI.php` : server.url, ...entry },
    files: {
      ca_file: authority.certificate,
      auth_file: type === "Anu" ? undefined : `${credential}\n`,
    },
  });
}

async function expectRefusal(source: OpenSource, code: SourceErrorCode, retry: Retry) {
  const error = await refusalOf(fetchFrom(source));
  expect({ code: error.code, retry: error.retry }).toEqual({ code, retry });
  expect(error.message).not.toContain(key);
}

describe("Anu", () => {
  test("gives the bytes of its list, a kibibyte when nothing else is said", async () => {
    const service = anuService(() => now);
    server.answer(service.reply);
    await using source = await open("Anu");
    expect(await fetchFrom(source)).toEqual(service.given[0]);
    expect(service.given[0]?.length).toBe(1024);
    expect(server.requests).toEqual(["GET /API/jsonI.php?length=1024&type=uint8"]);
  });

  test("asked twice in a minute, it is left alone for one", async () => {
    const service = anuService(() => now);
    server.answer(service.reply);
    await using source = await open("Anu", { fetch_chunk_size: 64 });
    await fetchFrom(source);
    await expectRefusal(source, "ERR_SOURCE_LIMIT", minute);
    now += 60_000;
    expect(await fetchFrom(source)).toEqual(service.given[1]);
  });

  test("whatever goes wrong, it is not asked again within a minute", async () => {
    await using source = await open("Anu");
    server.answer(sends("application/json", "{"));
    await expectRefusal(source, "ERR_SOURCE_FORMAT", minute);
    server.answer(() => server.reset());
    await expectRefusal(source, "ERR_SOURCE_UNREACHABLE", minute);
    server.answer(sends("application/json", '{"success":false}'));
    await expectRefusal(source, "ERR_SOURCE_LIMIT", minute);
    server.answer((response) => void response.writeHead(503, { "retry-after": "7200" }).end());
    await expectRefusal(source, "ERR_SOURCE_STATUS", {
      when: "later",
      afterMilliseconds: 3_600_000,
    });
  });
});

describe("Aqn", () => {
  test("gives the bytes of its list for a key, which stands in no URL", async () => {
    const service = aqnService(key);
    server.answer(service.reply);
    await using source = await open("Aqn", { fetch_chunk_size: 100 });
    expect(await fetchFrom(source)).toEqual(service.given[0]);
    expect(server.requests).toEqual(["GET /?length=100&type=uint8"]);
  });

  test("a wrong key, and no requests left", async () => {
    server.answer(aqnService(key).reply);
    await using wrong = await open("Aqn", {}, "another-key");
    await expectRefusal(wrong, "ERR_SOURCE_CREDENTIAL", minute);
    server.answer(aqnService(key, { requests: 1 }).reply);
    await using source = await open("Aqn");
    await fetchFrom(source);
    await expectRefusal(source, "ERR_SOURCE_LIMIT", minute);
  });

  test.each<[number, SourceErrorCode, Retry]>([
    [400, "ERR_SOURCE_STATUS", changed],
    [401, "ERR_SOURCE_CREDENTIAL", changed],
    [403, "ERR_SOURCE_CREDENTIAL", minute],
    [429, "ERR_SOURCE_LIMIT", minute],
    [500, "ERR_SOURCE_STATUS", { when: "soon" }],
    [502, "ERR_SOURCE_STATUS", { when: "soon" }],
    [503, "ERR_SOURCE_STATUS", { when: "soon" }],
  ])("status %i", async (status, code, retry) => {
    server.answer(sends("application/json", '{"message":"no"}', status));
    await using source = await open("Aqn");
    await expectRefusal(source, code, retry);
  });
});

describe("Qrypt", () => {
  test("gives the bytes of its blocks for a token", async () => {
    const service = qryptService({ token: key, now: () => now });
    server.answer(service.reply);
    await using source = await open("Qrypt", { fetch_chunk_size: "3KiB" });
    expect(await fetchFrom(source)).toEqual(Buffer.concat(service.given));
    expect(server.requests).toEqual(["GET /api/v1/quantum-entropy?size=3"]);
  });

  test("slashes at the url's end", async () => {
    const service = qryptService({ token: key, now: () => now });
    server.answer(service.reply);
    await using source = await open("Qrypt", { url: `${server.url}//` });
    expect((await fetchFrom(source)).length).toBe(65_536);
  });

  test("a wrong token is not tried again until its file changes", async () => {
    server.answer(qryptService({ token: key, now: () => now }).reply);
    await using source = await open("Qrypt", {}, "another-token");
    await expectRefusal(source, "ERR_SOURCE_CREDENTIAL", changed);
  });

  test("more than 30 requests in 10 s, of whomever: left alone as long", async () => {
    server.answer(qryptService({ token: key, now: () => now }).reply);
    await using source = await open("Qrypt", { fetch_chunk_size: "1KiB" });
    for (let request = 0; request < 30; request++) await fetchFrom(source);
    await expectRefusal(source, "ERR_SOURCE_LIMIT", { when: "later", afterMilliseconds: 10_000 });
    now += 10_001;
    await fetchFrom(source);
  });

  test("an allotment that is used up is asked for again in a minute", async () => {
    server.answer(qryptService({ token: key, allotment: 3, now: () => now }).reply);
    await using source = await open("Qrypt", { fetch_chunk_size: "2KiB" });
    await fetchFrom(source);
    await expectRefusal(source, "ERR_SOURCE_LIMIT", minute);
  });

  test("a service without bytes is asked again in 10 s", async () => {
    server.answer(qryptService({ token: key, stock: 1, now: () => now }).reply);
    await using source = await open("Qrypt", { fetch_chunk_size: "2KiB" });
    await expectRefusal(source, "ERR_SOURCE_LIMIT", { when: "later", afterMilliseconds: 10_000 });
  });

  test("a request that it calls wrong is not repeated", async () => {
    server.answer(sends("application/json", "{}", 400));
    await using source = await open("Qrypt");
    await expectRefusal(source, "ERR_SOURCE_STATUS", changed);
  });
});

test.each<Type>(["Anu", "Aqn", "Qrypt"])(
  "%s: a redirect is not followed, so no other host gets the credential",
  async (type) => {
    await using elsewhere = await startFaultAppliance({ identity: await authority.issue() });
    server.answer((response) => {
      response.writeHead(307, { location: `${elsewhere.url}/x` }).end();
    });
    await using source = await open(type);
    expect((await refusalOf(fetchFrom(source))).message).toContain("redirect (307)");
    expect(server.requests.length).toBe(1);
    expect(elsewhere.requests).toEqual([]);
  },
);

test("no answer that a service could give by mistake passes for bytes", async () => {
  const bytes = [...randomBytes(64)];
  const whole = { success: true, type: "uint8", length: 64, data: bytes };
  const blocks = { random: [randomBytes(1024).toString("base64")], size: 1 };
  const cases: [Type, unknown, SourceErrorCode][] = [
    ["Anu", { ...whole, success: "true" }, "ERR_SOURCE_LIMIT"],
    ["Anu", { ...whole, type: "uint16" }, "ERR_SOURCE_FORMAT"],
    ["Anu", { ...whole, length: 63 }, "ERR_SOURCE_LENGTH"],
    ["Anu", { ...whole, length: "064" }, "ERR_SOURCE_LENGTH"],
    ["Anu", { ...whole, data: bytes.slice(1) }, "ERR_SOURCE_LENGTH"],
    ["Anu", { ...whole, data: [...bytes.slice(1), 256] }, "ERR_SOURCE_FORMAT"],
    ["Anu", { ...whole, data: [...bytes.slice(1), -1] }, "ERR_SOURCE_FORMAT"],
    ["Anu", { ...whole, data: [...bytes.slice(1), 1.5] }, "ERR_SOURCE_FORMAT"],
    ["Anu", { ...whole, data: [...bytes.slice(1), "1"] }, "ERR_SOURCE_FORMAT"],
    ["Anu", { ...whole, data: [...bytes.slice(1), [1]] }, "ERR_SOURCE_FORMAT"],
    ["Anu", { ...whole, data: bytes.map(() => 7) }, "ERR_SOURCE_REPEATED"],
    ["Aqn", bytes, "ERR_SOURCE_FORMAT"],
    ["Aqn", null, "ERR_SOURCE_FORMAT"],
    ["Aqn", { ...whole, data: Object.fromEntries(bytes.entries()) }, "ERR_SOURCE_FORMAT"],
    ["Qrypt", { ...blocks, random: blocks.random[0] }, "ERR_SOURCE_FORMAT"],
    ["Qrypt", { random: [] }, "ERR_SOURCE_LENGTH"],
    ["Qrypt", { random: [...blocks.random, ...blocks.random] }, "ERR_SOURCE_LENGTH"],
    ["Qrypt", { random: [randomBytes(1023).toString("base64")] }, "ERR_SOURCE_LENGTH"],
    ["Qrypt", { random: [`${blocks.random[0]}\n`] }, "ERR_SOURCE_FORMAT"],
    ["Qrypt", { random: [blocks.random[0]?.replace(/=+$/, "")] }, "ERR_SOURCE_FORMAT"],
    ["Qrypt", { random: [randomBytes(1024).toString("base64url")] }, "ERR_SOURCE_FORMAT"],
    ["Qrypt", { random: [1] }, "ERR_SOURCE_FORMAT"],
  ];
  for (const [type, value, code] of cases) {
    server.answer(sends("application/json", JSON.stringify(value)));
    await using source = await open(type, { fetch_chunk_size: type === "Qrypt" ? 1024 : 64 });
    expect((await refusalOf(fetchFrom(source))).code, JSON.stringify(value).slice(0, 60)).toBe(
      code,
    );
  }
});
