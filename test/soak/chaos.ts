import { deal, type Deck, shuffle } from "../endToEnd/helpers/chaos.ts";
import { playAudited, quick } from "../endToEnd/helpers/play.ts";
import { seededRandom } from "../helpers/seededRandom.ts";
import type { SoakPart } from "./part.ts";

// Every part of a bridge is killed, stopped and cut off at random while a client draws counted blocks.
// No block is served twice, and each that is missing stands in a counter or died with a process that
// was killed: the ledger is test/endToEnd/helpers/audit.ts.

const deck: Deck = {
  "kill gateway": 2,
  "kill collector": 2,
  "kill both": 1,
  "stop gateway": 2,
  "stop collector": 2,
  "kill gateway after taken": 2,
  "kill collector after taken": 2,
  "lose answer": 3,
  "lose request": 3,
  "cut connections": 4,
  "cut network": 2,
  "cut appliance": 2,
};

const bridges = [
  { ...quick, gateway: { buffer_size: "12KiB" } },
  { ...quick, gateway: { buffer_size: "8KiB", overflow: "DiscardOldest" } },
  { ...quick, collector: { buffer_size: "8KiB", max_age: "4s" } },
] as const;

/** So that the ledger, which knows every block, stays small however long it goes on. */
const longestRound = 60_000;
const settling = 15_000;

/**
 * One bridge, beaten for so many milliseconds and then audited.
 * @returns how many blows there were, and what became of the blocks, in a line
 * @throws when a block was served twice, or is missing without account
 */
export async function chaosRound(
  milliseconds: number,
  { seed, round }: { seed: number; round: number },
): Promise<string> {
  const random = seededRandom(seed + round);
  const end = performance.now() + milliseconds;
  let blows = 0;
  const { account } = await playAudited(
    { ...bridges[round % bridges.length]!, random },
    settling,
    async (rig) => {
      await rig.untilDrawn();
      while (performance.now() < end) {
        for (const blow of shuffle(deck, random)) {
          if (performance.now() >= end) break;
          await deal(rig, [blow], random);
          blows += 1;
        }
      }
      await rig.untilDrawn();
    },
  );
  if (account.drawn === 0) throw new Error("nothing was drawn");
  const blocks = Object.entries(account).map(([where, count]) => `${where} ${count}`);
  return `${blows} blows; blocks: ${blocks.join(", ")}`;
}

/** The chaos, round after round with another bridge each, until one's account is wrong. */
export const soakChaos: SoakPart = async ({ milliseconds, say }) => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const end = performance.now() + milliseconds;
  let round = 0;
  try {
    for (; performance.now() < end; round++) {
      const left = end - performance.now();
      say(`round ${round}: ${await chaosRound(Math.min(longestRound, left), { seed, round })}`);
    }
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { rows: [["seed", String(seed)]], problems: [`round ${round}: ${problem}`] };
  }
  return {
    rows: [
      ["seed", String(seed)],
      ["rounds", String(round)],
    ],
    problems: [],
  };
};
