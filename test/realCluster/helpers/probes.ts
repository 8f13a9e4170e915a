import type { Cluster } from "../../cluster/node/cluster.ts";
import { isPod, type Party } from "../../operator/network/evaluator.ts";
import { type Row, roleOf, tried } from "../../operator/network/scene.ts";
import { networkOf, type PartyProcess, startParty } from "./parties.ts";

export interface Probes extends AsyncDisposable {
  /** Tries everything anew: what got through, as far as one of a bridge's own pods is an end. */
  rows(): Promise<Row[]>;
}

interface Source {
  readonly role: string;
  readonly process: PartyProcess;
  readonly from?: string;
}

/** As many as try at once: attempts that wait in line for the processor would look blocked. */
const atOnce = 12;

/** A process in the network of each party. The API server, which is the node, is only a target. */
export async function startProbes(
  cluster: Cluster,
  parties: Readonly<Record<string, Party>>,
  own: readonly string[],
): Promise<Probes> {
  await using cleanup = new AsyncDisposableStack();
  const sources = await Promise.all(
    Object.entries(parties)
      .filter(([role]) => role !== "API server")
      .map(async ([role, party]): Promise<Source> => {
        const entry = isPod(party)
          ? await networkOf(cluster, party.namespace, party.name)
          : cluster.machine.outside;
        const process = cleanup.use(await startParty(entry, tried));
        return { role, process, ...(!isPod(party) && { from: party.address }) };
      }),
  );
  const kept = cleanup.move();
  const tryFrom = async ({ role, process, from }: Source): Promise<Row[]> => {
    const targets = Object.entries(parties)
      .filter(([to]) => to !== role && (own.includes(role) || own.includes(to)))
      .map(([to, party]) => ({ role: to, address: addressOf(party) }));
    const opened = await process.attempt({ targets, ...(from !== undefined && { from }) });
    return Object.entries(opened).flatMap(([to, ports]) =>
      ports.map((port) => ({ from: roleOf(role), to: roleOf(to), port })),
    );
  };
  return {
    rows: async () => {
      const rows: Row[] = [];
      for (let first = 0; first < sources.length; first += atOnce)
        rows.push(...(await Promise.all(sources.slice(first, first + atOnce).map(tryFrom))).flat());
      return rows;
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function addressOf(party: Party): string {
  return isPod(party) ? (party.addresses[0] ?? "") : party.address;
}
