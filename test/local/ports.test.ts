import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { checkPorts, portTakenIn } from "../../local/ports.ts";

const host = "127.0.0.1";

async function takePort(): Promise<AsyncDisposable & { port: number }> {
  const server = createServer().listen(0, host);
  await once(server, "listening");
  const close = async (): Promise<void> => {
    if (server.listening) await once(server.close(), "close");
  };
  return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: close };
}

test("a taken port is told with its flag", async () => {
  await using taken = await takePort();
  const wanted = [
    { host, port: 0, flag: "--port" },
    { host, port: taken.port, flag: "--push-port" },
  ];
  await expect(checkPorts(wanted, 0)).rejects.toThrow(
    `port ${taken.port} is taken: stop what listens there or choose another with --push-port`,
  );
});

test("a port that becomes free in time is waited for", async () => {
  const taken = await takePort();
  const checked = checkPorts([{ host, port: taken.port, flag: "--port" }], 10_000);
  await delay(150);
  await taken[Symbol.asyncDispose]();
  await checked;
});

test("a port cannot be asked for twice, but any free one can", async () => {
  const twice = (first: string, second: string, port: number) =>
    checkPorts(
      [
        { host, port, flag: first },
        { host, port, flag: second },
      ],
      0,
    );
  await expect(twice("--port", "--push-port", 7)).rejects.toThrow(
    "port 7 is asked for by both --port and --push-port",
  );
  await expect(twice("--appliance-port", "--appliance-port", 7)).rejects.toThrow(
    "port 7 is asked for twice by --appliance-port",
  );
  await twice("--port", "--push-port", 0);
});

test("an address that is not of this machine is told with its flag", async () => {
  const elsewhere = [{ host: "192.0.2.1", port: 7764, flag: "--port" }];
  await expect(checkPorts(elsewhere, 0)).rejects.toThrow(
    "--port: 192.0.2.1:7764 is not an address",
  );
});

test("a program's own words about a taken port are put the same way", () => {
  const wanted = [
    { host, port: 7764, flag: "--port" },
    { host, port: 7765, flag: "--push-port" },
  ];
  const words = "push.listen_address: 127.0.0.1:7765 is taken by another process";
  expect(portTakenIn(words, wanted)?.message).toContain("choose another with --push-port");
  expect(portTakenIn("something else", wanted)).toBeUndefined();
});
