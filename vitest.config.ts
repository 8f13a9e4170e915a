import { defineConfig } from "vitest/config";
import { needsApiServer } from "./vitest.operator.config.ts";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Suites of their own: they need Debian's packages, or Go.
    exclude: [
      "test/browser/**",
      "test/redis/**",
      "test/tools/**",
      "test/cluster/**",
      "test/operatorCluster/**",
      "test/realCluster/**",
      "test/images/**",
    ],
    // A good part of their time they wait, for programs that start and clients that are slow.
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 120_000,
    coverage: {
      provider: "v8",
      include: ["{common,collector,gateway,operator,local,mcp}/**/*.ts"],
      // What needs an API server is measured where there is one: `npm run test:operator`.
      exclude: ["gateway/dashboard/assets/**", ...needsApiServer],
      reporter: ["text-summary", "json-summary", "html"],
      thresholds: { lines: 90 },
    },
  },
});
