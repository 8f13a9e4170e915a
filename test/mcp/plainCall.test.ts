import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { answerPlainCall } from "../../gateway/mcp/plainCall.ts";
import type { RandomService } from "../../gateway/mcp/service.ts";
import { Problem } from "../../gateway/problem.ts";
import { fill } from "../gateway/helpers/gateway.ts";
import { mcpHeaders, messageOf, postMessage } from "./helpers/calls.ts";
import { eras, type Era } from "./helpers/clients.ts";
import { startFilled } from "./helpers/gateway.ts";

const calls: [tool: string, args?: object][] = [
  ["get_random_bytes", { bytes: 20, encoding: "base64" }],
  ["get_random_bytes"],
  ["get_random_bytes", { bytes: 5_000 }],
  ["get_random_bytes", { bytes: 0 }],
  ["get_random_bytes", { byte: 1 }],
  ["get_random_bytes", { bytes: 100_000 }],
  ["get_random_integers", { count: 5, min: -3, max: 3 }],
  ["get_random_integers", { count: 2, min: "0", max: "18446744073709551615" }],
  ["get_random_integers", { min: 2, max: 1 }],
  ["get_random_floats", { count: 3 }],
  ["get_random_uuid", {}],
  ["get_data_quality"],
  ["get_nothing"],
  ["__proto__"],
];

/** What says when it was said, or how it is written. */
const changing = ["date", "ratelimit", "content-type", "content-length", "transfer-encoding"];

async function answersTo(data: Buffer, era: Era, more: object): Promise<unknown[]> {
  await using made = await startFilled(0, { max_request_bytes: 50_000 });
  await fill(made.gateway, data);
  const answers: unknown[] = [];
  for (const [name, args] of calls) {
    const response = await postMessage(made.gateway, era, { name, arguments: args, ...more });
    const head = [...response.headers].filter(
      ([header]) => !changing.includes(header) && header !== "x-accel-buffering",
    );
    const text = await response.text();
    const body: unknown = JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? text);
    answers.push([name, args, response.status, Object.fromEntries(head), body]);
  }
  return answers;
}

test.each(eras)("the SDK and the way past it give the same answers, %s", async (era) => {
  const data = randomBytes(60_000);
  const [plain, bySdk] = await Promise.all([
    answersTo(data, era, {}),
    answersTo(data, era, { nothingWeKnow: 1 }),
  ]);
  expect(plain).toHaveLength(calls.length);
  expect(plain).toEqual(bySdk);
});

/** Says which arguments it was called with. */
const service: RandomService = {
  bytes: (count, encoding) => Promise.resolve(`${count} as ${encoding}`),
  integers: () =>
    Promise.reject(new Problem(503, "ERR_NO_ENTROPY", "none", { "retry-after": "1" })),
  floats: () => Promise.reject(new Error("the secret is 4242424242")),
  uuids: () => Promise.resolve([]),
  status: () => Promise.reject(new Error("not asked for")),
};

describe.each(eras)("%s", (era) => {
  const { headers, message } = messageOf(era, { name: "get_random_bytes" });
  const other = eras.find((one) => one !== era)!;
  const otherForm = messageOf(other, { name: "get_random_bytes" }).message;
  const failures: unknown[] = [];
  const deps = { service, onFailure: (error: unknown) => failures.push(error) };
  const ask = (body: unknown, more: object = {}) =>
    answerPlainCall(
      { ...mcpHeaders, ...headers, ...more },
      typeof body === "string" ? body : JSON.stringify(body),
      deps,
    );
  const changed = (params: object): object => ({
    ...message,
    params: { ...message.params, ...params },
  });

  test("a plain call is answered as JSON, with its id", async () => {
    for (const id of [0, "", "a"]) {
      const answer = await ask({ ...message, id });
      expect(answer?.headers["content-type"]).toContain("application/json");
      expect(JSON.parse(String(answer?.body))).toMatchObject({
        id,
        result: { structuredContent: { data: "32 as hex" } },
      });
    }
  });

  test("what was not written for clients stays in", async () => {
    const floats = { ...headers, ...(era === "2026-07-28" && { "mcp-name": "get_random_floats" }) };
    const answer = await ask(changed({ name: "get_random_floats" }), floats);
    expect(String(answer?.body)).toContain("ERR_INTERNAL");
    expect(String(answer?.body)).not.toContain("4242424242");
    expect(failures).toHaveLength(1);
  });

  test.each<[string, unknown, object?]>([
    ["no JSON", "{"],
    ["nothing", ""],
    ["a batch", [message]],
    ["another method", { ...message, method: "tools/list" }],
    ["a notification", { ...message, id: undefined }],
    ["an id that is none", { ...message, id: 1.5 }],
    ["more in the message", { ...message, more: 1 }],
    ["more in what it asks for", changed({ task: {} })],
    ["an unknown tool", changed({ name: "toString" })],
    ["wrong arguments", changed({ arguments: { bytes: 0 } })],
    ["arguments that are none", changed({ arguments: null })],
    [
      "a task that it belongs to",
      changed({ _meta: { "io.modelcontextprotocol/related-task": {} } }),
    ],
    ["the other era's form", otherForm],
    ["an unknown revision", message, { "mcp-protocol-version": "1999-01-01" }],
    ["a client that takes no JSON", message, { accept: "text/event-stream" }],
    ["a client that takes no streams", message, { accept: "application/json" }],
    ["another media type", message, { "content-type": "text/plain" }],
    ["no media type", message, { "content-type": undefined }],
  ])("what is not plain is the SDK's: %s", (_what, body, more) => {
    expect(ask(body, more)).toBeUndefined();
  });
});

test.each(["mcp-method", "mcp-name", "mcp-protocol-version"])(
  "the later era's %s must be there and agree",
  (header) => {
    const { headers, message } = messageOf("2026-07-28", { name: "get_random_bytes" });
    const deps = { service, onFailure: () => undefined };
    for (const value of [undefined, "other"]) {
      const all = { ...mcpHeaders, ...headers, [header]: value };
      expect(answerPlainCall(all, JSON.stringify(message), deps)).toBeUndefined();
    }
  },
);
