import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { allErrors, errorsDocument } from '../scripts/errors-document.ts'

const root = join(import.meta.dirname, '..')
const sources = globSync('packages/**/src/**/*.ts', {
  cwd: root,
  exclude: (name) => name === 'node_modules' || name === 'dist',
})
  .filter((file) => !/\.test(-d)?\.ts$/.test(file) && !/(errors\/registry|\/errors|-errors)\.ts$/.test(file))
  .map((file) => readFileSync(join(root, file), 'utf8'))
  .join('\n')

test('docs/errors.md is what the registries say (node scripts/write-errors.ts)', () => {
  expect(readFileSync(join(root, 'docs/errors.md'), 'utf8')).toBe(errorsDocument())
})

test('every registered code is thrown somewhere', () => {
  const unused = Object.keys(allErrors).filter((code) => !new RegExp(`'${code}'`).test(sources))
  expect(unused).toEqual([])
})

test('every status agrees with its kind', () => {
  for (const [code, { status, title, help }] of Object.entries(allErrors)) {
    expect(status, code).toBeGreaterThanOrEqual(400)
    expect(title, code).not.toMatch(/\.$/)
    expect(help, code).toMatch(/\.$/)
  }
})
