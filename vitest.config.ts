import { defineConfig } from "vitest/config";

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
      "test/images/**",
    ],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: {
      provider: "v8",
      include: ["{common,collector,gateway,operator,local,mcp}/**/*.ts"],
      exclude: ["gateway/dashboard/assets/**"],
      reporter: ["text-summary", "json-summary", "html"],
      thresholds: { lines: 90 },
    },
  },
});
