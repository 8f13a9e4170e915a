import { once } from "node:events";
import net from "node:net";
import { describe, expect, test } from "vitest";
import { freePort } from "../endToEnd/helpers/ports.ts";
import { eventually } from "../helpers/eventually.ts";
import { makePacket, push, startTestGateway, type TestGateway } from "./helpers/gateway.ts";

/** Of a gateway that has just started and would refuse what is signed now. */
describe("the push listener", () => {
  const isOpen = ({ captured }: TestGateway): boolean =>
    captured.lines().some(({ listener }) => listener === "push");

  test("is closed while the others are open, and never opens when the gateway stops", async () => {
    const port = await freePort();
    const pushes = { listen_address: `127.0.0.1:${port}`, window: { future: 60_000 } };
    const gateway = await startTestGateway({ push: pushes });
    expect(await connecting(port)).toBe("ECONNREFUSED");
    expect(gateway.captured.messages()).toContainEqual(
      expect.stringMatching("takes no pushes yet"),
    );
    expect((await fetch(`${gateway.management}/healthz`)).status).toBe(200);
    expect((await fetch(`${gateway.api}/health`)).status).toBe(503);
    const state = await (await fetch(`${gateway.management}/state`)).json();
    expect(state).toMatchObject({ key_ids: ["config-bound"] });

    await gateway.stop(); // and not in a minute and a half
    expect(isOpen(gateway)).toBe(false);
    expect(await connecting(port)).toBe("ECONNREFUSED");
  });

  test("takes the first packet that comes once it is open", async () => {
    const audience = `127.0.0.1:${await freePort()}`;
    const early = makePacket({ audience });
    const pushes = { listen_address: audience, window: { future: 200 } };
    await using gateway = await startTestGateway({ push: pushes });
    await eventually(() => isOpen(gateway), 60_000);
    const target = { push: `http://${audience}/push`, audience };
    expect(await push(target, makePacket({ audience }))).toBe(200);
    expect(await push(target, early)).toBe(410);
  });

  test("has an address that nobody else has, or the gateway does not start", async () => {
    const taken = net.createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as net.AddressInfo;
    const pushes = { listen_address: `127.0.0.1:${port}`, window: { future: 60_000 } };
    await expect(startTestGateway({ push: pushes })).rejects.toThrow(
      `push.listen_address: 127.0.0.1:${port} is taken by another process`,
    );
    taken.close();
  });
});

/** @returns how an attempt to connect ends */
async function connecting(port: number): Promise<string> {
  const socket = net.connect({ host: "127.0.0.1", port });
  const { promise, resolve } = Promise.withResolvers<string>();
  socket.once("connect", () => resolve("connected"));
  socket.once("error", (error: NodeJS.ErrnoException) => resolve(String(error.code)));
  const answer = await promise;
  socket.destroy();
  return answer;
}
