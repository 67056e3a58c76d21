import { expect, test } from 'vitest'
import { files, read } from '../files.ts'

/** `file` "words of its test", as the last column of the table names them. */
const named = [...read('docs/reliability.md').matchAll(/\| `([^`|]+\.test\.ts)` "([^"|]+)" \|$/gm)].map(
  ([, file = '', words = '']) => ({ file, words }),
)

test('every row of what happens when is a test that is there', () => {
  expect(named.length).toBeGreaterThan(15)
  const there = new Set(files())
  const missing = named.filter(({ file, words }) => !there.has(file) || !read(file).includes(words))
  expect(missing).toEqual([])
})

test('and no row of that table names none', () => {
  const [, table = ''] = /## What happens when\n([^]*?)\n## /.exec(read('docs/reliability.md')) ?? []
  const rows = table
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(1)
  expect(rows).toHaveLength(named.length)
})

test('every metric that the code declares is in the table of metrics', () => {
  const text = read('docs/reliability.md')
  const declared = files(/^packages\/(core|postgres|features\/\w+)\/src\/.*(?<!\.test)\.ts$/).flatMap((file) =>
    [...read(file).matchAll(/name: '((?:plinth|process|nodejs)_[a-z_]+)'/g)].map(([, name = '']) => name),
  )
  expect(declared.length).toBeGreaterThan(15)
  const unknown = declared.filter(
    (name) => !text.includes(name) && !text.includes(name.replace(/^plinth_database_connections/, '')),
  )
  expect(unknown).toEqual([])
})
