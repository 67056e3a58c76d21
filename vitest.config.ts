import { existsSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

const postgresServer = './packages/testing/src/server/vitest-global-setup.ts'

export default defineConfig({
  test: {
    include: ['{packages,examples,benchmarks,tests}/**/*.test.ts'],
    exclude: [
      '**/node_modules/**',
      '**/dist/**',
      'tests/.snippets/**',
      // They need a browser: npm run test:browser.
      ...(process.env.BROWSER_TESTS ? [] : ['tests/browser/**']),
    ],
    // Starts one PostgreSQL server for the whole run and provides its URL; it fails loudly where it cannot.
    globalSetup: existsSync(postgresServer) ? [postgresServer] : [],
    // Processes, not threads: tests change process.env and open sockets. Two, because the database wants the rest.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A test that passes on the second try is a defect that was seen once. A whole run on CI goes on, and names it beside its totals.
    retry: process.env.CI ? 1 : 0,
    restoreMocks: true,
    unstubEnvs: true,
    typecheck: {
      enabled: true,
      include: ['{packages,examples,tests}/**/*.test-d.ts'],
      tsconfig: './tsconfig.json',
    },
    reporters: ['default', './scripts/totals-reporter.mjs'],
    coverage: {
      provider: 'v8',
      include: ['packages/**/src/**/*.ts'],
      exclude: ['**/*.test.ts', '**/*.test-d.ts'],
      reporter: ['text-summary', 'html'],
    },
  },
})
