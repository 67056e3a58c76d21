// One build for every package: the entries are what its package.json exports. Types come from tsc (see scripts/build.mjs):
// TypeScript 7 has no compiler API that a bundler of declarations could use.
import { readFileSync } from 'node:fs'
import { defineConfig } from 'tsup'

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
  exports: Record<string, string>
  bin?: Record<string, string>
}

export default defineConfig({
  // A program keeps its first line, `#!/usr/bin/env node`.
  entry: [...Object.values(manifest.exports), ...Object.values(manifest.bin ?? {})].filter((path) =>
    path.endsWith('.ts'),
  ),
  format: 'esm',
  target: 'node22',
  splitting: true,
  silent: true,
})
