import { defineConfig } from "vitest/config";

/** Tests in a real Chromium: `apt-get install chromium`, then `npm run test:browser`. */
export default defineConfig({
  test: {
    include: ["test/browser/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
