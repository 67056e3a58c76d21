import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { root } from '../scripts/packages.mjs'
import { files, read } from './files.ts'

/**
 * Every ```ts block of the documentation is compiled, so that what a reader copies works. Each block is a module; blocks
 * that begin with `// file: name.ts` lie in one folder per document and may import each other. A block that cannot compile
 * (a sketch, half a statement) says so: ```ts no-check <the reason>.
 */
interface Snippet {
  readonly document: string
  /** Path below the folder of all snippets. */
  readonly path: string
  readonly code: string
}

// Inside node_modules of the root: packages resolve from there as they do for a user, and git does not see it.
const folder = join(root, 'node_modules/.cache/plinth/snippets')
const fence = /^(?<indent>[ \t]*)```(?:ts|tsx|typescript)(?<info>[^\n`]*)\n(?<code>[\s\S]*?)^\k<indent>```/gm

function snippetsOf(document: string, text: string): { snippets: Snippet[]; unexplained: number[] } {
  const place = document.replaceAll(/[^\w-]+/g, '_')
  const snippets: Snippet[] = []
  const unexplained: number[] = []
  for (const match of text.matchAll(fence)) {
    const { info = '', code = '' } = match.groups ?? {}
    const line = text.slice(0, match.index).split('\n').length
    const [flag, ...reason] = info.trim().split(/\s+/)
    if (flag === 'no-check') {
      if (reason.length === 0) unexplained.push(line)
      continue
    }
    const named = /^\s*\/\/ file: (?<name>[\w./-]+\.tsx?)/.exec(code)?.groups?.['name']
    // Empty lines in front: an error is reported at the line it has in the document.
    snippets.push({ document, path: join(place, named ?? `line-${line}/snippet.ts`), code: '\n'.repeat(line) + code })
  }
  return { snippets, unexplained }
}

/** Compiler output by document, with the place in the document instead of the place of the copy. */
function compile(snippets: readonly Snippet[]): Map<string, string[]> {
  rmSync(folder, { recursive: true, force: true })
  for (const { path, code } of snippets) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), code)
  }
  const config = { extends: join(root, 'tsconfig.base.json'), files: snippets.map(({ path }) => path) }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const { stdout } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', folder, '--pretty', 'false'], {
    cwd: folder,
  })
  const errors = new Map<string, string[]>()
  for (const line of stdout.toString().split('\n').filter(Boolean)) {
    const found = snippets.find(({ path }) => line.startsWith(`${path}(`))
    const document = found?.document ?? ''
    const message = found ? line.replace(found.path, document) : line
    errors.set(document, [...(errors.get(document) ?? []), message])
  }
  return errors
}

const documents = files(/^(README\.md|CONTRIBUTING\.md|docs\/.*\.md|(packages|examples)\/.*README\.md)$/)
  .map((document) => ({ document, ...snippetsOf(document, read(document)) }))
  .filter(({ snippets, unexplained }) => snippets.length + unexplained.length > 0)

describe('the code in the documentation', () => {
  let errors = new Map<string, string[]>()
  beforeAll(() => {
    const snippets = documents.flatMap((one) => one.snippets)
    if (snippets.length > 0) errors = compile(snippets)
  }, 180_000)

  test.each(documents)('$document compiles', ({ document }) => expect(errors.get(document) ?? []).toEqual([]))

  test.each(documents)('$document explains what it does not check', ({ unexplained }) =>
    expect(unexplained).toEqual([]),
  )

  test('brings no error from outside the snippets', () => expect(errors.get('') ?? []).toEqual([]))
})

describe('the checker', () => {
  const text = [
    '# Title',
    '```ts',
    '// file: a.ts',
    'export const a: number = 1',
    '```',
    '- in a list',
    '  ```ts',
    '  // file: b.ts',
    "  import { a } from './a.js'",
    '  const wrong: string = a',
    '  ```',
    '```ts no-check a sketch',
    'half of',
    '```',
    '```ts no-check',
    '```',
  ].join('\n')

  test('finds a planted error at its line, and a silence without a reason', () => {
    const { snippets, unexplained } = snippetsOf('docs/planted.md', text)
    expect(unexplained).toEqual([15])
    expect(compile(snippets).get('docs/planted.md')).toEqual([
      "docs/planted.md(10,9): error TS2322: Type 'number' is not assignable to type 'string'.",
    ])
  })
})
