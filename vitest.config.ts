import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Two cores and shared machines: a fork per core, and time for the tests that start real processes.
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    coverage: { include: ['lib/**', 'handlers/**'], reporter: ['text-summary', 'json-summary'] },
  },
});
