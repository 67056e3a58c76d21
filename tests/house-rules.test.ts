import { describe, expect, test } from 'vitest'
import { packages } from '../scripts/packages.mjs'
import { files, isSource, read } from './files.ts'

// What lint cannot see. Lint has the rest: `any`, default exports, floating promises, raw SQL outside packages/postgres.
const all = packages()
const published = all.filter((one) => one.published)
const maximum = 300
const vague = new Set(['util', 'utils', 'helper', 'helpers', 'common', 'manager', 'managers', 'misc'])

describe('files', () => {
  test(`have one job, and at most ${maximum} lines`, () => {
    const long = files(/^(packages|examples|benchmarks|scripts|tests)\//)
      .filter(isSource)
      .map((file) => ({ file, lines: read(file).trimEnd().split('\n').length }))
      .filter(({ lines }) => lines > maximum)
    expect(long, 'split it by what the parts do').toEqual([])
  })

  test('and folders are named by what they hold', () => {
    const named = files().filter((file) => file.split(/[/.-]/).some((word) => vague.has(word.toLowerCase())))
    expect(named, `a name such as ${[...vague].join(', ')} says nothing`).toEqual([])
  })

  test('hold no test that silences the others', () => {
    const alone = files(/\.test(-d)?\.tsx?$/).filter((file) =>
      /\b(test|it|describe|suite)(\.\w+)*\.only\b\(/.test(read(file)),
    )
    expect(alone).toEqual([])
  })

  test('import their neighbours by their real name', () => {
    // Node runs the sources as they are, and it resolves no missing extension and no .js that is a .ts.
    const wrong = files(/^(packages|examples|benchmarks)\/.*\.tsx?$/).flatMap((file) =>
      [
        ...read(file).matchAll(
          /^(?:import|export)\b[^'"]*\bfrom '(\.\.?\/[^']*)'|^import '(\.\.?\/[^']*)'|\bimport\('(\.\.?\/[^']*)'\)/gm,
        ),
      ]
        .map((match) => match[1] ?? match[2] ?? match[3] ?? '')
        .filter((path) => !/\.(tsx?|mjs|json)$/.test(path))
        .map((path) => `${file} imports ${path}`),
    )
    expect(wrong).toEqual([])
  })

  test('name no host that packages come from', () => {
    // Who installs chooses the host; one written down in a lockfile or a script breaks mirrors and closed networks.
    const host = /\bregistry\.[\w-]+\.(org|com|net|io)\b|\bnpm\.pkg\.[\w-]+\.com\b/
    const naming = files(/^(?!.*\.(png|ico|woff2?|ttf|gz)$)/).filter((file) => host.test(read(file)))
    expect(naming).toEqual([])
  })
})

describe.each(all)('$folder', (one) => {
  test('is described where its dependencies are', () => {
    expect(read('docs/dependencies.md')).toContain(`\`${one.folder}\``)
  })

  test('is MIT, a module, and says which Node it needs', () => {
    expect(one.manifest).toMatchObject({ license: 'MIT', type: 'module', engines: { node: '>=22.18' } })
    expect(one.name).toMatch(/^@plinth\/[a-z-]+$/)
  })
})

describe.each(published)('$name', (one) => {
  test('has what a user of the tarball reads', () => {
    expect(one.manifest.files).toEqual(expect.arrayContaining(['dist', 'README.md', 'LICENSE']))
    expect(one.manifest).toMatchObject({ sideEffects: false, publishConfig: { access: 'public' } })
    expect(files()).toContain(`${one.folder}/README.md`)
    const readme = read(`${one.folder}/README.md`)
    expect(readme).toContain('MIT')
    // Every package has a reason, and an example that tests/docs-snippets.test.ts compiles.
    expect(readme).toContain('**Why it exists.** ')
    expect(readme).toMatch(/^```ts/m)
  })

  test('gives users dist where it gives neighbours src', () => {
    const { publishConfig } = one.manifest as { publishConfig?: { exports?: Record<string, unknown> } }
    const expected = Object.entries(one.manifest.exports ?? {}).map(([subpath, path]) => {
      const built = path.replace(/^\.\/src\/(.*)\.ts$/, './dist/$1')
      return [subpath, built === path ? path : { types: `${built}.d.ts`, default: `${built}.js` }]
    })
    expect(publishConfig?.exports).toEqual(Object.fromEntries(expected))
  })

  test('says what it depends on and why', () => {
    const { dependencies, peerDependencies, optionalDependencies } = one.manifest
    const names = Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies })
    const text = read('docs/dependencies.md')
    expect(names.filter((name) => !name.startsWith('@plinth/') && !text.includes(`\`${name}\``))).toEqual([])
  })
})
