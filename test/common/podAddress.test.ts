import { expect, test } from "vitest";
import { z } from "zod";
import { address } from "../../common/config/fields.ts";
import { parseConfig } from "../../common/config/load.ts";

const schema = z.strictObject({
  note: z.string().optional(),
  push: z.strictObject({ listen_address: address() }),
});
const parse = (text: string, env: Record<string, string | undefined>) =>
  parseConfig(schema, text, "gateway.yaml", env);
const config = "push:\n  listen_address: ${POD_IP}:7765\n";

test.each(["10.0.0.7", "fd00::7"])("POD_IP %s is the host to listen on", (host) => {
  expect(parse(config, { POD_IP: host })).toEqual({
    push: { listen_address: { host, port: 7765 } },
  });
});

test.each([
  ["is not set", undefined],
  ["is empty", ""],
  ["is a name", "gateway.example"],
  ["brings a port", "10.0.0.7:1"],
])("when it %s the error says where and why", (_, POD_IP) => {
  expect(() => parse(config, { POD_IP })).toThrow(
    "gateway.yaml:2: listen_address: the environment variable POD_IP holds no IP address",
  );
});

test("nothing else is taken from the environment", () => {
  const env = { POD_IP: "10.0.0.7", HOME: "/root" };
  const text = `note: \${POD_IP}:1 and \${HOME}\n${config}`;
  expect(parse(text, env)).toMatchObject({ note: "${POD_IP}:1 and ${HOME}" });
  expect(() => parse("push:\n  listen_address: ${HOME}:1\n", env)).toThrow("must be an IP address");
  expect(() => parse("push:\n  listen_address: ${POD_IP}:x\n", env)).toThrow(
    "must be an IP address",
  );
});
