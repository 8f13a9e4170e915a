import type { Status } from "../status.ts";
import { bindRoute, type BoundRoute } from "./route.ts";
import { choiceRoute, diceRoute, shuffleRoute } from "./routes/choices.ts";
import { floatsRoute } from "./routes/floats.ts";
import { integersRoute } from "./routes/integers.ts";
import { randomRoute } from "./routes/random.ts";
import { statusRoute } from "./routes/status.ts";
import { streamRoute } from "./routes/stream.ts";
import { monteCarloRoute, qualityRoute, type TestDeps } from "./routes/tests.ts";
import { uuidRoute } from "./routes/uuid.ts";

export interface RouteDeps extends TestDeps {
  readonly describeStatus: () => Status;
}

/** Every path of the API that needs a key. */
export function createRoutes(deps: RouteDeps): BoundRoute[] {
  return [
    bindRoute(randomRoute(deps)),
    bindRoute(integersRoute(deps)),
    bindRoute(floatsRoute(deps)),
    bindRoute(uuidRoute(deps)),
    bindRoute(choiceRoute(deps)),
    bindRoute(shuffleRoute(deps)),
    bindRoute(diceRoute(deps)),
    bindRoute(streamRoute(deps)),
    bindRoute(statusRoute(deps.describeStatus)),
    bindRoute(monteCarloRoute(deps)),
    bindRoute(qualityRoute(deps)),
  ];
}
