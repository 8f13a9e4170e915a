import got, { type OptionsInit } from "got";
import { afterAll, beforeAll, expect, test } from "vitest";
import { captureLog } from "../helpers/capturedLog.ts";
import { makeAuthority, type Authority } from "../helpers/certificates.ts";
import {
  sends,
  startFaultAppliance,
  type FaultAppliance,
  type Reply,
} from "../helpers/faultAppliance.ts";

const password = "kOrrekt-Horse-9";
let authority: Authority;
let appliance: FaultAppliance;

beforeAll(async () => {
  authority = await makeAuthority();
  appliance = await startFaultAppliance({ identity: await authority.issue() });
});
afterAll(() => appliance[Symbol.asyncDispose]());

/** An error of got holds the request, its headers and the answer; its message can quote the body. */
test.each<[string, string, Reply, OptionsInit]>([
  ["a status", "HTTPError", sends("text/plain", password, 500), {}],
  [
    "a body that is no JSON",
    "ParseError",
    sends("application/json", password),
    { responseType: "json" },
  ],
  ["a reset", "RequestError", () => appliance.reset(), {}],
  ["an untrusted certificate", "RequestError", () => undefined, { https: {} }],
  ["no answer in time", "TimeoutError", () => undefined, { timeout: { request: 200 } }],
  [
    "a header that cannot be sent",
    "RequestError",
    () => undefined,
    { headers: { "x-api-key": `${password}\n` } },
  ],
  [
    "redirects without end",
    "MaxRedirectsError",
    (response) => void response.writeHead(302, { location: `/${password}` }).end(),
    { maxRedirects: 2 },
  ],
])(
  "an error of got for %s is logged without what was sent and answered",
  async (_, type, reply, options) => {
    appliance.answer(reply);
    const url = `https://user:${password}@127.0.0.1:${appliance.port}/${password}?api_key=${password}`;
    const error: unknown = await got(url, {
      https: { certificateAuthority: authority.certificate },
      retry: { limit: 0 },
      ...options,
      headers: { authorization: `Bearer ${password}`, ...options.headers },
    }).then(
      () => expect.fail("no error"),
      (thrown: unknown) => thrown,
    );
    expect((error as Error).name).toBe(type);

    const captured = captureLog();
    captured.log.error({ error }, "literal");
    captured.log.error(error as Error, "literal");
    captured.log.error({ nested: [{ error }], error: new AggregateError([error]) }, "literal");
    expect(captured.text()).not.toContain(password);
    expect(captured.text()).not.toContain(Buffer.from(`user:${password}`).toString("base64"));
    expect(captured.lines()[0]).toMatchObject({
      error: { type, code: expect.any(String) as string },
    });
  },
);
