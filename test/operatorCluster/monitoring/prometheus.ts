import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { stringify } from "yaml";
import { freePort } from "../../endToEnd/helpers/ports.ts";
import { makeFolder } from "../../helpers/folder.ts";

/** What is scraped, with the labels that a ServiceMonitor would have put on it. */
export interface Target {
  /** host:port */
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Whether labels of its own stay. */
  readonly honorLabels?: boolean;
}

interface Options {
  readonly targets: readonly Target[];
  /** Of a PrometheusRule. */
  readonly groups: readonly unknown[];
}

export interface Prometheus extends AsyncDisposable {
  /** Asks the HTTP API, and gives `data`. @param path such as `query` */
  ask(path: string, parameters?: Readonly<Record<string, string>>): Promise<unknown>;
  /** How many series a query gives now. @throws what is wrong with the query */
  count(query: string): Promise<number>;
}

const starting = 120_000;

/** Prometheus itself, Debian's, which scrapes every second. */
export async function startPrometheus({ targets, groups }: Options): Promise<Prometheus> {
  const folder = await makeFolder();
  await writeFile(folder.at("rules.yaml"), stringify({ groups }));
  await writeFile(
    folder.at("prometheus.yaml"),
    stringify({
      global: { scrape_interval: "1s", evaluation_interval: "1s" },
      rule_files: ["rules.yaml"],
      scrape_configs: targets.map(({ address, labels, honorLabels = false }, index) => ({
        job_name: `target ${index}`,
        honor_labels: honorLabels,
        static_configs: [{ targets: [address], labels }],
      })),
    }),
  );
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(
    "prometheus",
    [
      `--config.file=${folder.at("prometheus.yaml")}`,
      `--storage.tsdb.path=${folder.at("data")}`,
      `--web.listen-address=${address}`,
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
  const exited = once(child, "exit").catch((error: unknown) => {
    throw new Error("prometheus does not run; install it with: apt-get install prometheus", {
      cause: error,
    });
  });
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
    await folder[Symbol.asyncDispose]();
  };
  const ready = async (): Promise<void> => {
    const end = performance.now() + starting;
    while (!(await isReady(address))) {
      if (child.pid === undefined || child.exitCode !== null || performance.now() > end)
        throw new Error(log);
      await delay(50);
    }
  };
  await Promise.race([ready(), exited.then(() => Promise.reject(new Error(log)))]).catch(
    async (error: unknown) => {
      await stop().catch(() => undefined);
      throw error;
    },
  );

  const ask = async (path: string, parameters = {}): Promise<unknown> => {
    const url = `http://${address}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`;
    const answer = (await (await fetch(url)).json()) as { data?: unknown; error?: string };
    if (answer.error !== undefined) throw new Error(`${answer.error}: ${url}`);
    return answer.data;
  };
  return {
    ask,
    count: async (query) => {
      const { result } = (await ask("query", { query })) as { result: readonly unknown[] };
      return result.length;
    },
    [Symbol.asyncDispose]: stop,
  };
}

async function isReady(address: string): Promise<boolean> {
  try {
    return (await fetch(`http://${address}/-/ready`)).ok;
  } catch {
    return false; // does not listen yet
  }
}
