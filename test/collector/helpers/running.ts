import { request } from "node:http";
import { startCollector } from "../../../collector/collector.ts";
import { collectorConfig, type CollectorConfigInput } from "../../../collector/config.ts";
import { systemClock, type Clock } from "../../../common/clock.ts";
import { captureLog, type CapturedLog } from "../../helpers/capturedLog.ts";

export interface TestCollector extends AsyncDisposable {
  readonly captured: CapturedLog;
  /** Where its management listener is, host:port. */
  readonly management: string;
  /** The samples of /metrics: `name{label="value"}` → number. */
  metrics(): Promise<Record<string, number>>;
  /** /metrics as it stands. */
  scrape(): Promise<string>;
  ready(): Promise<{ status: number; body: string }>;
  stop(): Promise<void>;
}

/** The whole collector in this process, with its real listener, sources and pusher. */
export async function runCollector(
  input: CollectorConfigInput,
  clock: Clock = systemClock,
): Promise<TestCollector> {
  const captured = captureLog();
  const config = collectorConfig.parse({ management_address: "127.0.0.1:0", ...input });
  const collector = await startCollector(config, { log: captured.log, clock });
  const listening = captured.lines().find(({ listener }) => listener === "management");
  const address = String(listening?.["address"]);
  const scrape = async (): Promise<string> => (await get(`http://${address}/metrics`)).body;
  return {
    captured,
    management: address,
    metrics: async () => parseMetrics(await scrape()),
    scrape,
    ready: () => get(`http://${address}/readyz`),
    stop: () => collector.stop(),
    [Symbol.asyncDispose]: () => collector.stop(),
  };
}

/** Without keep-alive: an open connection would outlive the test. */
export async function get(url: string): Promise<{ status: number; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  const asked = request(url, { agent: false }, (response) => {
    let body = "";
    response.setEncoding("utf8").on("data", (text: string) => (body += text));
    response
      .on("end", () => resolve({ status: response.statusCode ?? 0, body }))
      .on("error", reject);
  });
  asked.on("error", reject).end();
  return promise;
}

function parseMetrics(text: string): Record<string, number> {
  const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return Object.fromEntries(
    samples.map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}
