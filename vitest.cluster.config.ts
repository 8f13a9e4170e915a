import { defineConfig } from "vitest/config";

/**
 * The bridge as users run it, on a whole cluster of one node. Needs Linux, root, Go and what
 * test/cluster/README.md lists; the first run builds the cluster's programs for a quarter of an hour.
 */
export default defineConfig({
  test: {
    include: ["test/realCluster/**/*.test.ts"],
    globalSetup: ["test/cluster/node/shared.ts"],
    // Most of their time they wait: for pods that end, keys that rotate, checks of a minute.
    maxWorkers: 2,
    testTimeout: 600_000,
    hookTimeout: 600_000,
    teardownTimeout: 120_000,
  },
});
