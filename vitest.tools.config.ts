import { defineConfig } from "vitest/config";

/** Other people's tools look at a running gateway; each test says how to install what it needs. */
export default defineConfig({
  test: { include: ["test/tools/**/*.test.ts"], testTimeout: 300_000, hookTimeout: 60_000 },
});
