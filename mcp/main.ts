import { serveStdio, StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import { pino } from "pino";
import { createLogger } from "../common/log/logger.ts";
import { runUntilSignal } from "../common/shutdown.ts";
import { createMcpServer } from "../gateway/mcp/server.ts";
import { createHttpService } from "./httpService.ts";
import { readOptions, usage } from "./options.ts";

const maxMessageBytes = 2 ** 20;

// stdout carries the protocol and nothing else.
const log = createLogger("mcp", "warn", pino.destination({ fd: 2, sync: true }));

/** The program lasts as long as its pipes: a client ends what it started by closing them. */
class LastingTransport extends StdioServerTransport {
  override async close(): Promise<void> {
    await super.close();
    process.exit(0);
  }
}

await runUntilSignal(log, async () => {
  const options = await readOptions(process.argv.slice(2), process.env);
  if (options === undefined) {
    process.stdout.write(`${usage}\n`);
    process.exit(0);
  }
  const service = createHttpService(options);
  const onFailure = (error: unknown): void => log.error({ error }, "a call failed");
  const server = serveStdio(() => createMcpServer({ service, onFailure }), {
    transport: new LastingTransport(process.stdin, process.stdout, {
      maxBufferSize: maxMessageBytes,
    }),
    onerror: (error) => log.warn({ error }, "a message was refused"),
  });
  return { stop: () => server.close() };
});
