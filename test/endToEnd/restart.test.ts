import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import type { CollectorConfigInput } from "../../collector/config.ts";
import type { GatewayConfigInput } from "../../gateway/config.ts";
import { eventually } from "../helpers/eventually.ts";
import { makeFolder } from "../helpers/folder.ts";
import { startCounterAppliance } from "./helpers/counterAppliance.ts";
import { freePort } from "./helpers/ports.ts";
import { heldBytes, launch, type Program, totalOf, valueOf } from "./helpers/program.ts";

const hmac_secret_key = "5a".repeat(32);

/** As on a cluster: with the default window, whose allowance for clocks refuses all at first. */
const gatewayAt = (address: string) =>
  ({
    listen_address: "127.0.0.1:0",
    management_address: "127.0.0.1:0",
    api_keys: ["end-to-end-test-key-0123456789"],
    overflow: "DiscardOldest",
    hmac_secret_key,
    push: { listen_address: address },
  }) satisfies GatewayConfigInput;

const taken = 'qrng_gateway_pushes_total{answer="taken"}';
const outcome = (name: string): string => `qrng_collector_pushes_total{outcome="${name}"}`;

test("a gateway that is started again beside another refuses no push", async () => {
  await using folder = await makeFolder();
  await using appliance = await startCounterAppliance();
  await writeFile(folder.at("ca.pem"), appliance.ca);
  const [first, second] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  const start = (address: string): Promise<Program> =>
    launch("gateway", gatewayAt(address), { folder });
  await using killed = await start(first);
  await using beside = await start(second);
  await using collector = await launch(
    "collector",
    {
      sources: [
        {
          name: "counters",
          type: "Quantis",
          url: appliance.url(1),
          ca_file: "ca.pem",
          simulated: true,
        },
      ],
      fetch_chunk_size: 1024,
      fetch_interval: "20ms",
      management_address: "127.0.0.1:0",
      hmac_secret_key,
      push_urls: [`http://${first}/push`, `http://${second}/push`],
      push: { packet_size: 1024, backoff_max: "200ms" },
    } satisfies CollectorConfigInput,
    { folder },
  );
  const takes = async (gateway: Program): Promise<void> => {
    const before = valueOf(await gateway.metrics(), taken);
    await eventually(async () => valueOf(await gateway.metrics(), taken) > before, 60_000);
  };
  await Promise.all([takes(killed), takes(beside)]);

  // Killed while nothing is on its way: what is unknown would be repeated, and rightly refused.
  appliance.setBroken(true);
  await eventually(async () => heldBytes(await collector.metrics()) === 0, 60_000);
  killed.signal("SIGKILL");
  await killed.gone;
  appliance.setBroken(false);
  await eventually(
    async () => valueOf(await collector.metrics(), outcome("unreachable")) > 0,
    60_000,
  );
  await takes(beside);

  await using again = await start(first);
  await takes(again);
  for (const gateway of [again, beside]) {
    const metrics = await gateway.metrics();
    expect(totalOf(metrics, "qrng_gateway_pushes_total")).toBe(valueOf(metrics, taken));
  }
  const metrics = await collector.metrics();
  expect(valueOf(metrics, outcome("refused"))).toBe(0);
  expect(totalOf(metrics, "qrng_collector_lost_bytes_total")).toBe(0);
});
