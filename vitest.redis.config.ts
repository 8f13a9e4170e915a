import { defineConfig } from "vitest/config";

/** Tests with a real Redis: `apt-get install redis-server`, then `npm run test:redis`. */
export default defineConfig({
  test: {
    include: ["test/redis/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
