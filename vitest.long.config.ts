import { defineConfig } from 'vitest/config';

/** Tests that take minutes: `npm run test:long`. */
export default defineConfig({
  test: {
    include: ['test/long/**/*.test.ts'],
    globalSetup: ['test/support/build.ts'],
    server: { deps: { external: [/\/dist\//] } },
    pool: 'forks',
    // One at a time: they measure.
    maxWorkers: 1,
    testTimeout: 600_000,
    hookTimeout: 60_000,
  },
});
