import { spawn } from "node:child_process";
import { once } from "node:events";
import { Redis } from "ioredis";
import { freePort } from "../../endToEnd/helpers/ports.ts";
import { eventually } from "../../helpers/eventually.ts";
import { makeFolder } from "../../helpers/folder.ts";

export interface TestRedis extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** A client of the test itself. */
  readonly client: Redis;
  /** SIGSTOP, SIGCONT. */
  signal(name: "SIGSTOP" | "SIGCONT"): void;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same port, without what it knew. */
  restart(): Promise<void>;
}

export interface RedisInit {
  /** More of its own options, such as `--requirepass x`. */
  readonly options?: readonly string[];
  /** TLS instead of plain TCP; its files are among the options. */
  readonly tls?: boolean;
  /** Does not start it yet. */
  readonly stopped?: boolean;
}

/** A real redis-server on a free port of 127.0.0.1, which keeps nothing on disk. */
export async function startRedis({
  options: more = [],
  tls = false,
  stopped = false,
}: RedisInit = {}): Promise<TestRedis> {
  const folder = await makeFolder();
  const port = await freePort();
  const listening = tls ? ["--port", "0", "--tls-port", String(port)] : ["--port", String(port)];
  const options = [...listening, ...more];
  const client = new Redis({
    port,
    host: "127.0.0.1",
    lazyConnect: true,
    maxRetriesPerRequest: null,
  });
  client.on("error", () => undefined);
  let server = stopped ? undefined : await launch(folder.path, options);
  const kill = async (): Promise<void> => {
    if (server === undefined) return;
    const gone = once(server, "exit");
    server.kill("SIGKILL");
    await gone;
    server = undefined;
  };
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    client,
    signal: (name) => void server?.kill(name),
    kill,
    restart: async () => {
      server = await launch(folder.path, options);
    },
    [Symbol.asyncDispose]: async () => {
      client.disconnect();
      await kill();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Resolves when it takes connections. @throws with what to do when it is not installed */
async function launch(directory: string, options: readonly string[]) {
  const own = ["--bind", "127.0.0.1", "--save", "", "--daemonize", "no", "--dir", directory];
  const server = spawn("redis-server", [...own, ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const written: string[] = [];
  server.stdout.setEncoding("utf8").on("data", (text: string) => written.push(text));
  const started = eventually(() => written.join("").includes("Ready to accept connections"));
  const failed = once(server, "error").then(([cause]) => {
    throw new Error("these tests need redis-server: apt-get install redis-server", { cause });
  });
  await Promise.race([started, failed]);
  return server;
}
