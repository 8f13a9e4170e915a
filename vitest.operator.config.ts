import { defineConfig } from "vitest/config";

/** The operator against a real etcd and kube-apiserver, built by Go from pinned modules. */
export default defineConfig({
  test: {
    include: ["test/cluster/**/*.test.ts", "test/operatorCluster/**/*.test.ts"],
    globalSetup: ["test/cluster/shared.ts"],
    testTimeout: 180_000,
    hookTimeout: 120_000,
  },
});
