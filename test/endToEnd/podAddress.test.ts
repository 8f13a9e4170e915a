import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { expect, test } from "vitest";
import { launch } from "./helpers/program.ts";
import { makeFolder } from "../helpers/folder.ts";
import { makePacket, push } from "../gateway/helpers/gateway.ts";

const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === "::1"),
);
const keyHex = "5a".repeat(32);
/** As in a pod: every gateway has this, whatever its address. */
const shared = {
  listen_address: "127.0.0.1:0",
  management_address: "127.0.0.1:0",
  api_keys: ["a-key-of-enough-characters"],
  hmac_secret_key: keyHex,
  push: { listen_address: "${POD_IP}:0", window: { future: "0ms" } },
};

test.each(["127.0.0.1", "127.0.0.2", ...(hasIpv6 ? ["::1"] : [])])(
  "a gateway takes the packets that are signed for its pod's address %s, and no other's",
  async (host) => {
    await using folder = await makeFolder();
    await using gateway = await launch("gateway", shared, { folder, env: { POD_IP: host } });
    const audience = gateway.address("push");
    expect(audience.replace(/:\d+$/, "")).toBe(isIP(host) === 6 ? `[${host}]` : host);
    const target = { push: `http://${audience}/push`, audience };
    expect(await push(target, makePacket({ audience, keyHex }))).toBe(200);
    const another = { ...target, audience: "127.0.0.9:7765" };
    expect(await push(another, makePacket({ audience: another.audience, keyHex }))).toBe(401);
  },
);
