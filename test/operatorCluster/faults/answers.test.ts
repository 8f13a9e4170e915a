import { setTimeout as delay } from "node:timers/promises";
import { beforeAll, expect, test } from "vitest";
import type { ControlPlaneAccess } from "../../cluster/access.ts";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { seededRandom } from "../../helpers/seededRandom.ts";
import { behind } from "../helpers/behind.ts";
import { smallest, type Spec } from "../helpers/bridge.ts";
import { everyFourthWrite } from "../helpers/disturbances.ts";
import {
  type EndState,
  endState,
  heldSecrets,
  madeTwice,
  undisturbed,
} from "../helpers/endState.ts";
import { startTestOperator } from "../helpers/operator.ts";
import { type Answer, type Fault, startProxy } from "../helpers/proxy.ts";
import { newScene } from "../helpers/scene.ts";

const edited: Spec = { ...smallest, gateway: { replicas: 3, bufferBytes: 1_048_576 } };

let cluster: ControlPlaneAccess;
let wanted: EndState;

beforeAll(async () => {
  cluster = await sharedControlPlane();
  wanted = await undisturbed(cluster, smallest, edited);
});

interface Trouble {
  readonly what: string;
  /** @param hit to be called whenever a request is disturbed */
  readonly make: (hit: () => void) => Fault;
}

function answering(answer: Answer): Trouble["make"] {
  return (hit) => {
    const isChosen = everyFourthWrite();
    return {
      before: (request) => {
        if (!isChosen(request)) return undefined;
        hit();
        return answer;
      },
    };
  };
}

function ending(how: "lost" | "torn"): Trouble["make"] {
  return (hit) => {
    const isChosen = everyFourthWrite();
    return {
      after: (request) => {
        if (!isChosen(request)) return undefined;
        hit();
        return how;
      },
    };
  };
}

/**
 * Rarely enough that most rounds get some way: a bridge that is made takes some thirty requests, and
 * the pause after each round that failed is twice as long as the one before.
 */
function random(seed: number): Trouble["make"] {
  return (hit) => {
    const next = seededRandom(seed);
    return {
      before: async () => {
        const at = next();
        if (at >= 0.12) return undefined;
        hit();
        if (at < 0.1) await delay(2_000 * at);
        else return { status: at < 0.11 ? 500 : 503, reason: "InternalError" };
        return undefined;
      },
      after: () => {
        const at = next();
        if (at < 0.01) hit();
        return at < 0.005 ? "lost" : at < 0.01 ? "torn" : undefined;
      },
    };
  };
}

const troubles: readonly Trouble[] = [
  {
    what: "are answered 429 and a second to wait",
    make: answering({ status: 429, reason: "TooManyRequests", retryAfter: 1 }),
  },
  { what: "are answered 429 and no time", make: answering({ status: 429, reason: "" }) },
  { what: "are answered 500", make: answering({ status: 500, reason: "InternalError" }) },
  { what: "arrive and their answers do not", make: ending("lost") },
  { what: "arrive and half of their answers does", make: ending("torn") },
  {
    what: "are slow",
    make: (hit) => {
      const isChosen = everyFourthWrite();
      return {
        before: async (request) => {
          if (!isChosen(request)) return undefined;
          hit();
          await delay(500);
          return undefined;
        },
      };
    },
  },
  { what: "and reads fail at random (seed 1)", make: random(1) },
  { what: "and reads fail at random (seed 2)", make: random(2) },
];

test.each(troubles)(
  "where writes $what, the end is the same",
  async ({ make }) => {
    const scene = await newScene(cluster, "answers");
    await using proxy = await startProxy(new URL(cluster.url), cluster.ca);
    let hits = 0;
    const disturb = (): void => proxy.set(make(() => hits++));
    await using _ = await startTestOperator(behind(cluster, proxy), [scene.namespace]);
    disturb();
    await scene.applyBridge("lab", smallest);
    await scene.reasonIs("lab", "Reconciling", "RollingOut");
    expect(hits).toBeGreaterThan(0);
    const held = await heldSecrets(scene, "lab");
    disturb();
    await scene.applyBridge("lab", edited);
    await scene.reasonIs("lab", "Reconciling", "RollingOut");

    expect(await endState(scene, "lab")).toEqual(wanted);
    expect(await heldSecrets(scene, "lab")).toEqual(held);
    expect(await madeTwice(cluster, scene)).toEqual([]);
  },
  300_000,
);
