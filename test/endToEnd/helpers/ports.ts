import { createServer } from "node:net";
import { once } from "node:events";
import { errorCode } from "../../../common/errors.ts";

/**
 * A port of 127.0.0.1 that is free now and that nobody else gets while its owner restarts: below
 * those that systems hand out by themselves.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 22_000);
    const server = createServer().listen(port, "127.0.0.1");
    try {
      await once(server, "listening");
    } catch (error) {
      if (errorCode(error) === "EADDRINUSE") continue;
      throw error;
    }
    server.close();
    await once(server, "close");
    return port;
  }
}
