import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { packages, type Package } from '../scripts/packages.mjs'
import { files, isSource, read } from './files.ts'

/** Which layer may use which. `example` stands for everything that is not published: it may use all. */
const arrows = {
  core: [],
  postgres: ['core'],
  feature: ['postgres', 'core'],
  adapter: ['core'],
  surface: ['core'],
  connector: ['core'],
  testing: ['core', 'postgres', 'feature', 'adapter', 'surface', 'connector'],
  example: ['core', 'postgres', 'feature', 'adapter', 'surface', 'connector', 'testing', 'example'],
} as const satisfies Record<string, readonly string[]>
type Layer = keyof typeof arrows

interface Node {
  readonly name: string
  readonly folder: string
  /** What it needs to run: dependencies, peers, optional ones. */
  readonly needs: readonly string[]
  /** What its own development needs; counts for cycles only. */
  readonly development: readonly string[]
}

function layerOf(folder: string): Layer {
  const [top, second] = folder.split('/')
  if (top !== 'packages') return 'example'
  switch (second) {
    case 'core':
    case 'postgres':
    case 'testing':
      return second
    case 'features':
      return 'feature'
    case 'surfaces':
      return 'surface'
    case 'adapters':
      return 'adapter'
    case 'connectors':
      return 'connector'
    default:
      throw new Error(
        `${folder}: packages/ holds core, postgres, testing, features/, surfaces/, adapters/, connectors/`,
      )
  }
}

function wrongArrows(nodes: readonly Node[]): string[] {
  const layers = new Map(nodes.map((node) => [node.name, layerOf(node.folder)]))
  return nodes.flatMap((node) => {
    const from = layerOf(node.folder)
    const allowed: readonly string[] = arrows[from]
    return node.needs.flatMap((name) => {
      const to = layers.get(name)
      return to === undefined || allowed.includes(to) ? [] : [`${node.name} (${from}) -> ${name} (${to})`]
    })
  })
}

function cycles(nodes: readonly Node[]): string[] {
  const byName = new Map(nodes.map((node) => [node.name, node]))
  const walk = (name: string, path: readonly string[]): string[] => {
    if (path.includes(name)) return [[...path.slice(path.indexOf(name)), name].join(' -> ')]
    const node = byName.get(name)
    return node ? [...node.needs, ...node.development].flatMap((next) => walk(next, [...path, name])) : []
  }
  return nodes.flatMap((node) => walk(node.name, []))
}

function runtimeNeeds({ manifest }: Package): string[] {
  return Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.optionalDependencies })
}

const all = packages()
const graph = all.map<Node>((one) => ({
  name: one.name,
  folder: one.folder,
  needs: runtimeNeeds(one),
  development: Object.keys(one.manifest.devDependencies ?? {}),
}))

describe('the arrows between packages', () => {
  test('point down', () => expect(wrongArrows(graph)).toEqual([]))

  test('make no cycle', () => expect(cycles(graph)).toEqual([]))

  test('a planted wrong arrow and a planted cycle are found', () => {
    const node = (name: string, folder: string, needs: string[], development: string[] = []): Node => ({
      name,
      folder,
      needs,
      development,
    })
    const core = node('core', 'packages/core', [])
    const auth = node('auth', 'packages/features/auth', ['core'])
    expect(wrongArrows([core, auth, node('audit', 'packages/features/audit', ['auth', 'core'])])).toEqual([
      'audit (feature) -> auth (feature)',
    ])
    expect(cycles([node('core', 'packages/core', [], ['kit']), node('kit', 'packages/testing', ['core'])])).toEqual([
      'core -> kit -> core',
      'kit -> core -> kit',
    ])
  })
})

describe.each(all.filter((one) => one.published))('$name', (one) => {
  const source = files(/^packages\//).filter((file) => file.startsWith(`${one.folder}/src/`) && isSource(file))

  test('declares what its source imports', () => {
    const declared = new Set([...runtimeNeeds(one), one.name])
    const missing = source.flatMap((file) =>
      importsOf(read(file))
        .filter((name) => !isBuiltin(name) && !declared.has(name))
        .map((name) => `${file} imports ${name}`),
    )
    expect(missing, 'the root has more installed than a user of this package would').toEqual([])
  })

  test('builds its declarations after those of the packages it uses', () => {
    const references = (file: string): string[] =>
      (JSON.parse(read(file)) as { references: { path: string }[] }).references.map((reference) => reference.path)
    const own = references(`${one.folder}/tsconfig.build.json`).map((path) => join(one.folder, path))
    const needed = all.filter((other) => runtimeNeeds(one).includes(other.name))
    expect(own.sort()).toEqual(needed.map((other) => `${other.folder}/tsconfig.build.json`).sort())
    expect(references('tsconfig.build.json')).toContain(`${one.folder}/tsconfig.build.json`)
  })
})

/** The package names in the import and export statements of a source; relative ones left out. */
function importsOf(source: string): string[] {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '')
  const found = code.matchAll(
    /(?:^\s*import\s|^\s*export\s[^'"]*from\s|\bimport\(|^\}?\s*from\s|\sfrom\s)\s*(?:[^'"();]*?from\s*)?['"]([^'"\n]+)['"]/gm,
  )
  return [...found].flatMap(([, specifier]) => {
    if (specifier === undefined || specifier.startsWith('.') || specifier.startsWith('node:')) return []
    return [specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')]
  })
}
