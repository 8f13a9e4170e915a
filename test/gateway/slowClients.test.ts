import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { buffer as readAll } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { apiKey, draw, fill, metric, startTestGateway, ways } from "./helpers/gateway.ts";

const mebibyte = 2 ** 20;
/** More than the system takes from a program for a client that does not read. */
const drawnBytes = 12 * mebibyte;

async function startGateway() {
  return startTestGateway({
    buffer_size: 3 * drawnBytes,
    max_request_bytes: drawnBytes,
    push: { max_packet_size: mebibyte },
  });
}

type Gateway = Awaited<ReturnType<typeof startGateway>>;

/** Pushes so many packets. @returns all that was in them */
async function pushMebibytes(gateway: Gateway, packets: number): Promise<Buffer> {
  const pushed = Array.from({ length: packets }, () => randomBytes(mebibyte));
  for (const data of pushed) await fill(gateway, data);
  return Buffer.concat(pushed);
}

/** Asks for bytes as they are, and reads nothing. */
function ask(gateway: Gateway, more: Readonly<Record<string, string>>): Socket {
  const { hostname, port } = new URL(gateway.api);
  const socket = connect(Number(port), hostname).pause();
  const heads = Object.entries({ host: "x", "x-api-key": apiKey, connection: "close", ...more });
  const lines = heads.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  socket.write(`GET /api/random?bytes=${drawnBytes}&encoding=binary HTTP/1.1\r\n${lines}\r\n`);
  return socket;
}

const served = (gateway: Gateway): Promise<number> =>
  metric(gateway, 'qrng_gateway_bytes_total{flow="served"}');

// What was drawn lies in the memory of the packets that brought it until the client has read it.
describe.each(ways)("a client that reads late, by $way", ({ more }) => {
  test("gets what it drew, whatever has come in and gone out meanwhile", async () => {
    await using gateway = await startGateway();
    const first = await pushMebibytes(gateway, 12);
    const socket = ask(gateway, more);
    await eventually(async () => (await served(gateway)) === drawnBytes);
    const second = await pushMebibytes(gateway, 12);
    const other = await draw(gateway, `?bytes=${drawnBytes}&encoding=binary`);
    expect(Buffer.from(await other.arrayBuffer()).equals(second)).toBe(true);
    await pushMebibytes(gateway, 12);
    const answer = await readAll(socket);
    expect(answer.subarray(-drawnBytes).equals(first)).toBe(true);
  });

  test("and leaves takes nothing of what others get", async () => {
    await using gateway = await startGateway();
    await pushMebibytes(gateway, 12);
    const socket = ask(gateway, more);
    await eventually(async () => (await served(gateway)) === drawnBytes);
    const second = await pushMebibytes(gateway, 12);
    const reading = draw(gateway, `?bytes=${drawnBytes}&encoding=binary`);
    socket.destroy();
    await pushMebibytes(gateway, 12);
    expect(Buffer.from(await (await reading).arrayBuffer()).equals(second)).toBe(true);
  });
});
