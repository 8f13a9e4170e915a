/** Seconds; the last bucket holds what took longer. */
const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

interface RouteTraffic {
  readonly statuses: Map<number, number>;
  readonly counts: Float64Array;
  seconds: number;
}

/**
 * Answers by route and status, and how long they took, as plain numbers: prom-client's labels cost a
 * hash for each request, and it takes no histogram that was counted elsewhere. The routes are those that exist, and one for all other paths.
 */
export class Traffic {
  readonly #routes: ReadonlyMap<string, RouteTraffic>;
  readonly #other: RouteTraffic = emptyTraffic();

  constructor(paths: readonly string[]) {
    this.#routes = new Map(paths.map((path) => [path, emptyTraffic()]));
  }

  add(path: string, status: number, seconds: number): void {
    const route = this.#routes.get(path) ?? this.#other;
    route.statuses.set(status, (route.statuses.get(status) ?? 0) + 1);
    route.counts[bucketOf(seconds)]! += 1;
    route.seconds += seconds;
  }

  /** Both metrics in Prometheus' text format. */
  exposition(): string {
    const routes: [string, RouteTraffic][] = [...this.#routes, ["other", this.#other]];
    return [
      `# HELP ${requestsName} Answers of the API by route and status.`,
      `# TYPE ${requestsName} counter`,
      ...routes.flatMap(([route, { statuses }]) =>
        [...statuses].map(
          ([status, count]) => `${requestsName}{route="${route}",status="${status}"} ${count}`,
        ),
      ),
      `# HELP ${durationName} Time from a request's head to the end of its answer, by route.`,
      `# TYPE ${durationName} histogram`,
      ...routes.flatMap(([route, traffic]) => histogramLines(route, traffic)),
      "",
    ].join("\n");
  }
}

const requestsName = "qrng_gateway_requests_total";
const durationName = "qrng_gateway_request_duration_seconds";

function histogramLines(route: string, { counts, seconds }: RouteTraffic): string[] {
  let total = 0;
  const cumulative = [...buckets, "+Inf"].map((bound, index) => {
    total += counts[index]!;
    return `${durationName}_bucket{le="${bound}",route="${route}"} ${total}`;
  });
  return [
    ...cumulative,
    `${durationName}_sum{route="${route}"} ${seconds}`,
    `${durationName}_count{route="${route}"} ${total}`,
  ];
}

function emptyTraffic(): RouteTraffic {
  return { statuses: new Map(), counts: new Float64Array(buckets.length + 1), seconds: 0 };
}

function bucketOf(seconds: number): number {
  let index = 0;
  while (index < buckets.length && seconds > buckets[index]!) index += 1;
  return index;
}
