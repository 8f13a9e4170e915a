import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { Connection } from "../../collector/push/connection.ts";
import { fixed } from "../../common/reload.ts";
import { startDecoy } from "./helpers/decoy.ts";
import { hastyClock } from "./helpers/hastyClock.ts";
import { tricks, type Trick } from "./helpers/hostileTricks.ts";
import { startRawServer } from "./helpers/rawServer.ts";

const rounds = 4;
const mebibyte = 2 ** 20;
const body = Buffer.from("what is pushed");
const never = new AbortController().signal;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** What is held once there is no garbage, server and client together. */
function heldBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test("the same tricks again and again leave nothing behind", async () => {
  await using decoy = await startDecoy();
  const suffer = async ({ play }: Trick): Promise<void> => {
    await using server = await startRawServer({ serve: (peer) => play(peer, decoy.url) });
    const connection = new Connection({
      url: new URL(`http://127.0.0.1:${server.port}/push`),
      address: "127.0.0.1",
      tls: fixed({ ca: undefined, certificate: undefined, key: undefined }),
      timeout: 200,
      clock: hastyClock(),
    });
    await connection.push(body, {}, never);
    connection.close();
  };
  const held: number[] = [];
  for (let round = 0; round < rounds; round++) {
    for (let at = 0; at < tricks.length; at += 8) {
      await Promise.all(tricks.slice(at, at + 8).map(suffer));
    }
    held.push(heldBytes());
  }
  // The first round loads code and fills caches.
  expect(Math.max(...held.slice(1)) - held[0]!).toBeLessThan(4 * mebibyte);
});
