import { setTimeout as delay } from "node:timers/promises";
import { eventually } from "../../helpers/eventually.ts";
import type { Rig } from "./rig.ts";

/** What befalls a bridge. */
export type Blow =
  | "kill gateway"
  | "kill collector"
  | "kill both"
  | "stop gateway"
  | "stop collector"
  /** Between the gateway's `taken` and its answer reaching the collector. */
  | "kill gateway after taken"
  | "kill collector after taken"
  | "lose answer"
  | "lose request"
  /** All connections to the gateway, whatever they are at. */
  | "cut connections"
  /** No connection to the gateway for a while. */
  | "cut network"
  /** The appliance dies in the middle of its answers for a while. */
  | "cut appliance";

export type Deck = Partial<Record<Blow, number>>;

const longest = {
  calm: 900,
  dead: 300,
  gatewayStop: 2_600,
  collectorStop: 1_500,
  drawn: 300,
  network: 3_000,
  appliance: 300,
};

/** Deals the deck's blows in random order at random moments. */
export async function deal(rig: Rig, blows: readonly Blow[], random: () => number): Promise<void> {
  for (const blow of blows) {
    await delay(random() * longest.calm);
    await strike(rig, blow, random);
  }
}

export async function strike(rig: Rig, blow: Blow, random: () => number): Promise<void> {
  switch (blow) {
    case "kill gateway":
      await rig.killGateway();
      await delay(random() * longest.dead);
      return rig.startGateway();
    case "kill collector":
      await rig.killCollector();
      await delay(random() * longest.dead);
      return rig.startCollector();
    case "kill both":
      await Promise.all([rig.killGateway(), rig.killCollector()]);
      await Promise.all([rig.startGateway(), rig.startCollector()]);
      return;
    case "stop gateway":
      return stop(rig.gateway, random() * longest.gatewayStop);
    case "stop collector":
      return stop(rig.collector, random() * longest.collectorStop);
    case "kill gateway after taken": {
      const held = await rig.proxy.holdNext();
      // Sooner or later: by then a client may have got the bytes that the collector still holds.
      if (random() < 0.7) await untilDrawn(rig, held.push.blocks);
      const killed = rig.killGateway();
      held.swallow();
      await killed;
      return rig.startGateway();
    }
    case "kill collector after taken": {
      const held = await rig.proxy.holdNext();
      if (random() < 0.5) await untilDrawn(rig, held.push.blocks);
      const killed = rig.killCollector();
      held.swallow();
      await killed;
      return rig.startCollector();
    }
    case "lose answer":
      return (await rig.proxy.holdNext()).swallow();
    case "lose request":
      return rig.proxy.loseNext();
    case "cut connections":
      return rig.proxy.cut();
    case "cut network": {
      rig.proxy.cut();
      await rig.proxy.close();
      await delay(random() * longest.network);
      return rig.openProxy();
    }
    case "cut appliance":
      rig.appliance.setBroken(true);
      await delay(random() * longest.appliance);
      return rig.appliance.setBroken(false);
  }
}

/** The deck's blows, shuffled. */
export function shuffle(deck: Deck, random: () => number): Blow[] {
  const blows = Object.entries(deck).flatMap(([blow, count]) =>
    Array<Blow>(count).fill(blow as Blow),
  );
  for (let last = blows.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [blows[last], blows[other]] = [blows[other]!, blows[last]!];
  }
  return blows;
}

async function stop(
  program: { signal(signal: NodeJS.Signals): void },
  milliseconds: number,
): Promise<void> {
  program.signal("SIGSTOP");
  await delay(milliseconds);
  program.signal("SIGCONT");
}

async function untilDrawn(rig: Rig, blocks: readonly number[]): Promise<void> {
  const isDrawn = (): boolean => rig.drawer.drawn.some(({ block }) => block === blocks[0]);
  await eventually(isDrawn, longest.drawn).catch(() => undefined);
}
