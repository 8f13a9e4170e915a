import { defineConfig } from "vitest/config";

/** The images, built by buildah and run by runc as root: `apt-get install buildah runc`. */
export default defineConfig({
  test: { include: ["test/images/**/*.test.ts"], testTimeout: 300_000, hookTimeout: 600_000 },
});
