import { type Addresses, directionsOf, type Place, referencesTo, zonesOf } from "./directions.ts";
import { checkLabels } from "./pods.ts";
import { type SiteDeps, SitePods, type SiteRun } from "./sitePods.ts";
import { holdSeconds, type Observation, type SiteObservations } from "./verdict.ts";

/**
 * Attempts go on for the time that a result must hold, and for what enforcement takes before: Cilium
 * needed 23 s on a busy node until a pod's new labels counted.
 */
const attemptSeconds = holdSeconds + 45;
const referenceSeconds = 20;

/**
 * Checks on one node:
 * 1. targets begin to listen, in no zone yet;
 * 2. a pod in no zone reaches all of them;
 * 3. targets get their zones' labels, and so their policies;
 * 4. pods of each zone, and one of none, try for 30 s and more what must not get through.
 * What it has started it deletes, also when it fails.
 * @throws CheckError or ApiError
 */
export async function checkSite(
  deps: SiteDeps,
  request: SiteRun,
  signal: AbortSignal,
): Promise<SiteObservations & { readonly addresses: readonly string[] }> {
  await using stack = new AsyncDisposableStack();
  const pods = new SitePods(deps, request, signal, stack);
  const { facts, policies } = request;
  const places: readonly Place[] = [...zonesOf(facts.bridge.spec), "outside"];
  const targets = await pods.startTargets(places);
  const addresses: Addresses = Object.fromEntries(
    [...targets].map(([place, { addresses }]) => [place, addresses]),
  );

  const reference = await pods.attempt("reference", "outside", {
    directions: referencesTo(places, policies),
    addresses,
    seconds: referenceSeconds,
  });
  for (const place of places) if (place !== "outside") await pods.moveTarget(place);

  const others = checkLabels(facts, request.run, "outside");
  const directions = directionsOf({ facts, policies, addresses }, others);
  const observed = await Promise.all(
    places.map((place) =>
      pods.attempt("prober", place, {
        directions: directions.filter(({ from }) => from === place),
        addresses,
        seconds: attemptSeconds,
      }),
    ),
  );
  return {
    node: pods.node,
    reference,
    observed: observed.flat().map((each) => (pods.isLost(each.direction) ? unseen(each) : each)),
    addresses: Object.values(addresses).flat(),
  };
}

const unseen = (observation: Observation): Observation => ({ ...observation, seen: undefined });
