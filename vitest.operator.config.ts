import { defineConfig } from "vitest/config";

/** Files of the operator that only tests with an API server reach. */
export const needsApiServer = [
  "operator/{gateways,reconcile}/**/*.ts",
  "operator/{boot,main,offered,operator,reconciling,watches}.ts",
];

/** The operator against a real etcd and kube-apiserver, built by Go from pinned modules. */
export default defineConfig({
  test: {
    include: ["test/cluster/**/*.test.ts", "test/operatorCluster/**/*.test.ts"],
    globalSetup: ["test/cluster/shared.ts"],
    testTimeout: 180_000,
    hookTimeout: 120_000,
    coverage: {
      provider: "v8",
      include: needsApiServer,
      reporter: ["text-summary", "json-summary"],
      reportsDirectory: "coverage/operator",
      thresholds: { lines: 90 },
    },
  },
});
