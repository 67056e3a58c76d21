import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { publishedPackages, root } from '../scripts/packages.mjs'
import { read } from './files.ts'

/**
 * The public names of each entry, as a committed list: the public API cannot change unnoticed. The list is read from the
 * text of the entry, because types leave no trace at run time, and what does run is compared with it.
 */
const entries = publishedPackages().flatMap((one) =>
  Object.entries(one.manifest.exports ?? {})
    .filter(([, path]) => path.endsWith('.ts'))
    .map(([subpath, path]) => ({
      entry: join(one.name, subpath),
      file: join(one.folder, path),
      list: `exports/${join(one.name, subpath).replace('@plinth/', '').replaceAll('/', '.')}.txt`,
    })),
)

interface Names {
  readonly values: string[]
  readonly types: string[]
}

function exportedNames(source: string): Names {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '')
  if (/^\s*export\s+(type\s+)?\*/m.test(code))
    throw new Error('`export *` hides the size of the API: name what is exported')
  const values: string[] = []
  const types: string[] = []
  for (const [, kind, list = ''] of code.matchAll(/^export\s+(type\s+)?\{([^}]*)\}/gm)) {
    for (const item of list.split(',').map((text) => text.trim())) {
      if (item === '') continue
      const name =
        item
          .replace(/^type\s+/, '')
          .split(/\s+as\s+/)
          .at(-1) ?? item
      ;(kind !== undefined || item.startsWith('type ') ? types : values).push(name)
    }
  }
  const declarations =
    /^export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(const|let|function\*?|class|interface|type)\s+(\w+)/gm
  for (const [, kind, name = ''] of code.matchAll(declarations)) {
    ;(kind === 'interface' || kind === 'type' ? types : values).push(name)
  }
  return { values: [...new Set(values)].sort(), types: [...new Set(types)].sort() }
}

describe.each(entries)('$entry', ({ file, list }) => {
  const { values, types } = exportedNames(read(file))

  test('exports the names of the committed list', async () => {
    const text = [...values, ...types.map((name) => `type ${name}`)].join('\n')
    await expect(`${text}\n`).toMatchFileSnapshot(list)
  })

  test('has those values when it runs', async () => {
    const module = (await import(join(root, file))) as Record<string, unknown>
    expect(Object.keys(module).sort()).toEqual(values)
  })
})

test('reads every form of an export', () => {
  const source =
    "export { a, type B, c as d } from './x.ts'\nexport type { E } from './y.ts'\nexport const f = 1\nexport interface G {}"
  expect(exportedNames(source)).toEqual({ values: ['a', 'd', 'f'], types: ['B', 'E', 'G'] })
  expect(() => exportedNames("export * from './x.ts'")).toThrow('name what is exported')
})
