import { writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { CollectorConfigInput } from "../../../collector/config.ts";
import type { GatewayConfigInput } from "../../../gateway/config.ts";
import { eventually } from "../../helpers/eventually.ts";
import { makeFolder, type Folder } from "../../helpers/folder.ts";
import { type CounterAppliance, startCounterAppliance } from "./counterAppliance.ts";
import { Drawer } from "./drawer.ts";
import { freePort } from "./ports.ts";
import { heldBytes, launch, type Metrics, type Program } from "./program.ts";
import { createPushProxy, type PushProxy } from "./pushProxy.ts";
import { shiftedProgram } from "./shiftedProgram.ts";

export interface RigOptions {
  /** How far the collector's clock is ahead, seconds. */
  readonly skew: number;
  /** The ring key that the collector signs with. */
  readonly signing?: keyof typeof ringKeys;
  readonly collector?: Partial<CollectorConfigInput>;
  readonly collectorPush?: CollectorConfigInput["push"];
  readonly gateway?: Partial<GatewayConfigInput>;
  readonly gatewayPush?: GatewayConfigInput["push"];
  readonly random: () => number;
}

const apiKey = "end-to-end-test-key-0123456789";

/** The keys of every rig's ring, hex. */
export const ringKeys = { bound: "5a".repeat(32), unbound: "a5".repeat(32) };

/**
 * Appliance → collector → proxy → gateway → client. The two programs are real processes that are
 * killed and started again at the same addresses; each start is a life, numbered from 1.
 */
export class Rig implements AsyncDisposable {
  readonly appliance: CounterAppliance;
  readonly proxy: PushProxy;
  readonly drawer: Drawer;
  readonly folder: Folder;
  collectorLife = 0;
  gatewayLife = 0;
  collector!: Program;
  gateway!: Program;
  /** When the gateway that runs now was started, monotonic milliseconds. */
  gatewayStartedAt = 0;
  readonly #launched: Program[] = [];
  readonly #options: RigOptions;
  readonly #apiPort: number;
  readonly #pushPort: number;

  private constructor(
    options: RigOptions,
    parts: {
      appliance: CounterAppliance;
      folder: Folder;
      proxyPort: number;
      apiPort: number;
      pushPort: number;
    },
  ) {
    const { appliance } = parts;
    const numbersOf = (data: Uint8Array): number[] => appliance.cipher.numbersOf(data);
    this.#options = options;
    this.folder = parts.folder;
    this.#apiPort = parts.apiPort;
    this.#pushPort = parts.pushPort;
    this.appliance = appliance;
    this.proxy = createPushProxy({ port: parts.proxyPort, numbersOf });
    this.drawer = new Drawer({
      url: `http://127.0.0.1:${parts.apiPort}`,
      apiKey,
      numbersOf,
      life: () => this.gatewayLife,
      random: options.random,
    });
  }

  static async start(options: RigOptions): Promise<Rig> {
    const folder = await makeFolder();
    const { signing = "bound" } = options;
    const keys = Object.entries(ringKeys).map(([use, key]) => ({ id: use, key, use }));
    const ring = JSON.stringify({ version: 1, signing, keys });
    await writeFile(folder.at("ring.json"), ring, { mode: 0o600 });
    const rig = new Rig(options, {
      appliance: await startCounterAppliance(),
      folder,
      proxyPort: await freePort(),
      apiPort: await freePort(),
      pushPort: await freePort(),
    });
    await writeFile(folder.at("appliance-ca.pem"), rig.appliance.ca);
    try {
      await rig.startGateway();
      await rig.startCollector();
      return rig;
    } catch (error) {
      await rig[Symbol.asyncDispose]();
      throw error;
    }
  }

  gatewayConfig() {
    return {
      listen_address: `127.0.0.1:${this.#apiPort}`,
      management_address: "127.0.0.1:0",
      buffer_size: "32KiB",
      max_request_bytes: "8KiB",
      api_keys: [apiKey],
      key_ring_file: "ring.json",
      simulated: true,
      ...this.#options.gateway,
      push: {
        listen_address: `127.0.0.1:${this.#pushPort}`,
        audience: this.proxy.address,
        max_packet_size: "4KiB",
        state_file: "state/horizon",
        ...this.#options.gatewayPush,
      },
    } satisfies GatewayConfigInput;
  }

  /** @param skew how far its clock is ahead, seconds */
  async startGateway(skew = 0): Promise<void> {
    this.gatewayLife += 1;
    const shifted = shiftedProgram("gateway", skew);
    this.gatewayStartedAt = performance.now();
    this.gateway = await launch("gateway", this.gatewayConfig(), {
      folder: this.folder,
      ...shifted,
    });
    this.#launched.push(this.gateway);
    await this.openProxy();
  }

  /** Lets the collector connect to the gateway that runs now. */
  async openProxy(): Promise<void> {
    await this.proxy.open(this.gatewayLife, this.gateway.address("push"));
  }

  async startCollector(): Promise<void> {
    this.collectorLife += 1;
    const url = this.appliance.url(this.collectorLife);
    const config = {
      sources: [
        { name: "counters", type: "Quantis", url, ca_file: "appliance-ca.pem", simulated: true },
      ],
      fetch_chunk_size: 1024,
      fetch_interval: "10ms",
      buffer_size: "64KiB",
      management_address: "127.0.0.1:0",
      key_ring_file: "ring.json",
      push_url: this.proxy.pushUrl(this.collectorLife),
      ...this.#options.collector,
      push: {
        audience: "url",
        packet_size: 1536, // no multiple of a chunk, so that packets are packed of several
        packet_age: "50ms",
        ...this.#options.collectorPush,
      },
    } satisfies CollectorConfigInput;
    const shifted = shiftedProgram("collector", this.#options.skew);
    this.collector = await launch("collector", config, { folder: this.folder, ...shifted });
    this.#launched.push(this.collector);
  }

  async killGateway(): Promise<void> {
    this.gateway.signal("SIGKILL");
    await this.gateway.gone;
    await this.proxy.close();
  }

  async killCollector(): Promise<void> {
    this.collector.signal("SIGKILL");
    await this.collector.gone;
  }

  /** Resolves when a client has got a block that none had before. */
  async untilDrawn(): Promise<void> {
    const before = this.drawer.drawn.length;
    await eventually(() => this.drawer.drawn.length > before, 60_000);
  }

  /** Resolves when the collector that runs now has got an answer to a push. */
  async untilPushed(): Promise<void> {
    const isAnswered = (): boolean =>
      this.proxy.pushes.some(
        ({ collectorLife, status }) => collectorLife === this.collectorLife && status !== undefined,
      );
    await eventually(isAnswered);
  }

  /**
   * Lets what is under way arrive (for so many milliseconds at most), draws the gateway empty, and
   * gives both programs' counters once they stand still.
   */
  async settle(milliseconds: number): Promise<{ collector: Metrics; gateway: Metrics }> {
    this.appliance.runDry();
    const end = performance.now() + milliseconds;
    while (performance.now() < end) {
      if (heldBytes(await this.collector.metrics()) === 0) break;
      await delay(50);
    }
    await this.proxy.close();
    await this.drawer.drain();
    const collector = await eventually(async () => {
      const before = byteSeries(await this.collector.metrics());
      await delay(200);
      const after = await this.collector.metrics();
      return byteSeries(after) === before && after;
    });
    return { collector, gateway: await this.gateway.metrics() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#launched.map((program) => program[Symbol.asyncDispose]()));
    await this.drawer.stop();
    await this.proxy[Symbol.asyncDispose]();
    await this.appliance[Symbol.asyncDispose]();
    await this.folder[Symbol.asyncDispose]();
  }
}

/** Of random bytes: memory never stands still. */
function byteSeries(metrics: Metrics): string {
  return [...metrics].filter(([series]) => /^qrng_.*bytes/.test(series)).join();
}
