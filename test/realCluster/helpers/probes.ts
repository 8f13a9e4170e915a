import type { Cluster } from "../../cluster/node/cluster.ts";
import { isPod, type Party } from "../../operator/network/evaluator.ts";
import { type Row, roleOf, tried } from "../../operator/network/scene.ts";
import { networkOf, type PartyProcess, startParty } from "./parties.ts";

/** A bridge among others, all by the roles that they have for it. */
export interface Scene {
  readonly parties: Readonly<Record<string, Party>>;
  /** The roles of the bridge's own pods. */
  readonly own: readonly string[];
}

export interface Probes extends AsyncDisposable {
  /** Tries everything anew: for each scene what got through, where an own pod is an end. */
  rows(): Promise<Row[][]>;
}

interface Source {
  readonly address: string;
  readonly process: PartyProcess;
  readonly from?: string;
}

/** As many as try at once: attempts that wait in line for the processor would look blocked. */
const atOnce = 12;

/** A process in the network of each party. The API server, which is the node, is only a target. */
export async function startProbes(cluster: Cluster, scenes: readonly Scene[]): Promise<Probes> {
  await using cleanup = new AsyncDisposableStack();
  const trying = scenes
    .flatMap(({ parties }) => Object.entries(parties))
    .filter(([role]) => role !== "API server")
    .map(([, party]) => [addressOf(party), party] as const);
  const sources = await Promise.all(
    [...new Map(trying)].map(async ([address, party]): Promise<Source> => {
      const entry = isPod(party)
        ? await networkOf(cluster, party.namespace, party.name)
        : cluster.machine.outside;
      const process = cleanup.use(await startParty(entry, tried));
      return { address, process, ...(!isPod(party) && { from: address }) };
    }),
  );
  const kept = cleanup.move();
  /** @returns the open ports by the targets' addresses */
  const tryFrom = async ({ address, process, from }: Source) => {
    const targets = new Set(scenes.flatMap((scene) => targetsOf(scene, address)));
    const opened = await process.attempt({
      targets: [...targets].map((target) => ({ role: target, address: target })),
      ...(from !== undefined && { from }),
    });
    return [address, opened] as const;
  };
  return {
    rows: async () => {
      const opened: Awaited<ReturnType<typeof tryFrom>>[] = [];
      for (let first = 0; first < sources.length; first += atOnce)
        opened.push(...(await Promise.all(sources.slice(first, first + atOnce).map(tryFrom))));
      const byAddress = new Map(opened);
      return scenes.map(({ parties, own }) =>
        pairsOf({ parties, own }).flatMap(([from, to]) => {
          const ports = byAddress.get(addressOf(parties[from]!))?.[addressOf(parties[to]!)] ?? [];
          return ports.map((port) => ({ from: roleOf(from), to: roleOf(to), port }));
        }),
      );
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Who may connect to whom, by their roles, with a pod of the bridge at one end or both. */
function pairsOf({ parties, own }: Scene): [from: string, to: string][] {
  const roles = Object.keys(parties);
  return roles.flatMap((from) =>
    roles
      .filter((to) => to !== from && (own.includes(from) || own.includes(to)))
      .map((to): [string, string] => [from, to]),
  );
}

/** Whom the party at an address tries in a scene, by their addresses. */
function targetsOf(scene: Scene, address: string): string[] {
  return pairsOf(scene)
    .filter(([from]) => addressOf(scene.parties[from]!) === address)
    .map(([, to]) => addressOf(scene.parties[to]!));
}

function addressOf(party: Party): string {
  return isPod(party) ? (party.addresses[0] ?? "") : party.address;
}
