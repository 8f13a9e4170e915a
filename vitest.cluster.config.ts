import { defineConfig } from "vitest/config";

/**
 * The bridge as users run it, on a whole cluster of one node. Needs Linux, root, Go and what
 * test/cluster/README.md lists; the first run builds the cluster's programs for a quarter of an hour.
 */
export default defineConfig({
  test: {
    include: ["test/realCluster/**/*.test.ts"],
    globalSetup: ["test/cluster/node/shared.ts"],
    // They share one node of two cores.
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 120_000,
  },
});
