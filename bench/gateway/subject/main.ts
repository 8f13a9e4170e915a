import { parseConfig } from "../../../common/config/load.ts";
import { systemClock as clock } from "../../../common/clock.ts";
import { createLogger } from "../../../common/log/logger.ts";
import { assembleApi } from "../../../gateway/api/assemble.ts";
import { loadApiKeys } from "../../../gateway/api/keys.ts";
import { startApiServer } from "../../../gateway/api/server.ts";
import { gatewayConfig } from "../../../gateway/config.ts";
import { Meter } from "../../../gateway/meter.ts";
import { gatherStatus } from "../../../gateway/statusFacts.ts";
import { createStore } from "../../../gateway/store.ts";
import { FedQueue } from "../feed.ts";

/**
 * The gateway's API as it is, with keys, limits, metrics and zeroing, over its own buffer. Only the
 * way in is left out, so that draws are measured and not pushes.
 *
 * Arguments: a file of API keys, and the buffer's size in bytes.
 */
const [keyFile = "", bufferBytes = "16777216"] = process.argv.slice(2);
const mostOften = 1_000_000;
const config = parseConfig(
  gatewayConfig,
  JSON.stringify({
    listen_address: "127.0.0.1:0",
    buffer_size: Number(bufferBytes),
    api_keys_file: keyFile,
    rate_limit: { requests_per_second: mostOften, burst: mostOften, bytes_per_second: 2 ** 40 },
    hmac_secret_key: "00".repeat(31) + "01",
    max_connections: 20_000,
  }),
  "bench",
);
const log = createLogger("gateway", "info");
const store = createStore(config, clock);
const served = new Meter(clock.monotonic);
const api = assembleApi(config, {
  queue: new FedQueue(store.buffer),
  keys: await loadApiKeys(config, { clock, log }),
  sharedStore: undefined,
  describeStatus: () =>
    gatherStatus(config, {
      ...store,
      lastPushes: [],
      clockSkew: undefined,
      troubles: [],
      served,
      startedAt: clock.monotonic(),
      isDraining: () => false,
      clock,
    }),
  onServed: () => served.add(1),
  clock,
  log,
});
await startApiServer(config, api.handler, log);
