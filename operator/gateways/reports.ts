import type { Address } from "../../common/config/fields.ts";
import { ports } from "../build/ports.ts";
import type { Informer } from "../engine/informer.ts";
import type { GatewayPod } from "./pods.ts";
import { readGateway, type GatewayState } from "./read.ts";

/** One gateway that packets may be pushed to, and what it says. */
export interface GatewayReport {
  /** The pod's name. */
  readonly instance: string;
  /** Undefined where it did not answer. */
  readonly state: GatewayState | undefined;
}

/** Where a gateway's management port is. */
export type ManagementAddress = (pod: {
  readonly name: string;
  readonly address: string;
}) => Address;

export const podManagement: ManagementAddress = ({ address }) => ({
  host: address,
  port: ports.management.number.gateway,
});

/** Bytes that came so many milliseconds ago count as flowing. */
const recent = 60_000;

type Askable = Parameters<ManagementAddress>[0];

/** Asks the gateways of bridges. */
export class GatewayReports {
  readonly #pods: Pick<Informer<GatewayPod>, "entries">;
  readonly #addressOf: ManagementAddress;

  constructor(pods: Pick<Informer<GatewayPod>, "entries">, addressOf: ManagementAddress) {
    this.#pods = pods;
    this.#addressOf = addressOf;
  }

  /** Asks all gateways of a bridge at once. Never throws. @param bridge `namespace/name` */
  of(bridge: string, signal: AbortSignal): Promise<GatewayReport[]> {
    const pods = [...this.#pods.entries()].map(([, pod]) => pod);
    return this.ask(askable(pods.filter((pod) => pod.bridge === bridge)), signal);
  }

  /** The gateways of each bridge that has any, to be asked. */
  byBridge(): Map<string, readonly Askable[]> {
    const pods = [...this.#pods.entries()].map(([, pod]) => pod);
    const groups = [...Map.groupBy(pods, ({ bridge }) => bridge)];
    return new Map(groups.map(([bridge, pods]) => [bridge, askable(pods)]));
  }

  /** Never throws. */
  ask(pods: readonly Askable[], signal: AbortSignal): Promise<GatewayReport[]> {
    return Promise.all(
      pods.map(async (pod) => ({
        instance: pod.name,
        state: await readGateway(this.#addressOf(pod), signal),
      })),
    );
  }
}

/** Those with an address, in the order of their names. */
function askable(pods: readonly GatewayPod[]): Askable[] {
  return pods
    .flatMap(({ name, address }) => (address === undefined ? [] : [{ name, address }]))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Whether a gateway holds fresh bytes or gets some. @param now milliseconds since 1970 */
export function isFlowing(
  { last_data_received: last, ...state }: GatewayState,
  now: number,
): boolean {
  return state.buffer_bytes_available > 0 || (last !== null && now - Date.parse(last) < recent);
}

/** What of reports decisions depend on: equal texts, equal decisions. */
export function digestReports(reports: readonly GatewayReport[], now: number): string {
  const parts = reports.map(({ instance, state }) => [
    instance,
    state && [
      state.key_ids,
      state.last_data_received !== null,
      isFlowing(state, now),
      state.clock_skew_seconds,
    ],
  ]);
  return JSON.stringify(parts);
}
