import { Counter, Gauge, Histogram, type Registry } from "prom-client";

export const results = ["success", "requeue_after", "error"] as const;

/** controller-runtime's, in seconds: sigs.k8s.io/controller-runtime/pkg/internal/controller/metrics */
const reconcileBuckets = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1,
  1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];
/** Its workqueue's: ten times as much from 10 ns to 1000 s. */
const queueBuckets = Array.from({ length: 12 }, (_, power) => 10 ** (power - 8));

/** What there is to see of a queue. */
interface Watched {
  readonly depth: number;
  readonly running: number;
}

/** How a controller's queue does, under the names that controller-runtime's users know. */
export interface QueueMetrics {
  /** Reads depth and running keys whenever it is scraped. */
  watch(queue: Watched, workers: number): void;
  added(): void;
  /** @param waited milliseconds in the line */
  started(waited: number): void;
  /** @param took milliseconds */
  ended(took: number): void;
  result(result: (typeof results)[number]): void;
}

/** The metrics of all controllers, each a label value. */
export function createQueueMetrics(registry: Registry): (controller: string) => QueueMetrics {
  const queues = new Map<string, { readonly queue: Watched; readonly workers: number }>();
  const read =
    (value: (entry: { queue: Watched; workers: number }) => number, label: string) =>
    (gauge: Gauge): void => {
      for (const [controller, entry] of queues) gauge.set({ [label]: controller }, value(entry));
    };
  const gauge = (name: string, help: string, label: string, collect: (self: Gauge) => void): void =>
    void new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [registry],
      collect() {
        collect(this);
      },
    });
  const counter = (name: string, help: string, labelNames: string[]): Counter =>
    new Counter({ name, help, labelNames, registers: [registry] });
  const histogram = (name: string, help: string, label: string, buckets: number[]): Histogram =>
    new Histogram({ name, help, labelNames: [label], buckets, registers: [registry] });

  gauge(
    "workqueue_depth",
    "Keys that wait for a worker.",
    "name",
    read(({ queue }) => queue.depth, "name"),
  );
  gauge(
    "controller_runtime_active_workers",
    "Keys that are worked on now.",
    "controller",
    read(({ queue }) => queue.running, "controller"),
  );
  gauge(
    "controller_runtime_max_concurrent_reconciles",
    "Keys that may be worked on at once.",
    "controller",
    read(({ workers }) => workers, "controller"),
  );
  const adds = counter("workqueue_adds_total", "Keys that were added.", ["name"]);
  const retries = counter("workqueue_retries_total", "Keys that failed and were added again.", [
    "name",
  ]);
  const waits = histogram(
    "workqueue_queue_duration_seconds",
    "How long keys waited for a worker.",
    "name",
    queueBuckets,
  );
  const works = histogram(
    "workqueue_work_duration_seconds",
    "How long the work on a key took.",
    "name",
    queueBuckets,
  );
  const reconciles = counter("controller_runtime_reconcile_total", "Reconciles by result.", [
    "controller",
    "result",
  ]);
  const errors = counter("controller_runtime_reconcile_errors_total", "Reconciles that failed.", [
    "controller",
  ]);
  const times = histogram(
    "controller_runtime_reconcile_time_seconds",
    "How long a reconcile took.",
    "controller",
    reconcileBuckets,
  );

  return (controller) => {
    const label = { controller };
    const name = { name: controller };
    adds.inc(name, 0);
    retries.inc(name, 0);
    errors.inc(label, 0);
    for (const result of results) reconciles.inc({ controller, result }, 0);
    return {
      watch: (queue, workers) => void queues.set(controller, { queue, workers }),
      added: () => adds.inc(name),
      started: (waited) => waits.observe(name, waited / 1_000),
      ended(took) {
        works.observe(name, took / 1_000);
        times.observe(label, took / 1_000);
      },
      result(result) {
        reconciles.inc({ controller, result });
        if (result !== "error") return;
        errors.inc(label);
        retries.inc(name);
      },
    };
  };
}
