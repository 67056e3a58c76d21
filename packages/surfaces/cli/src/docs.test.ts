import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { root, runBin } from '../tests/spawn-bin.ts'

/* Every example of docs/cli.md, in order, on Lookout with a database of its own. `/tmp/plinth-docs` is a folder of this run. */

const text = readFileSync(join(root, 'docs/cli.md'), 'utf8')
const blocks = [...text.matchAll(/^```console\n([\s\S]*?)^```/gm)].map((match) => match[1] ?? '')
const examples = blocks.flatMap((block) =>
  [...block.matchAll(/^\$ (?:([A-Z_]+)=(\S+) )?plinth (.*)\n([\s\S]*?)^\[(\d+)\]\n/gm)].map(
    ([, name, value = '', args = '', said = '', code = '']) => ({
      env: name === undefined ? {} : { [name]: value },
      args: args.split(' '),
      said,
      code: Number(code),
    }),
  ),
)
vi.setConfig({ testTimeout: 120_000 })

const data = mkdtempSync(join(tmpdir(), 'plinth-docs-'))
afterAll(() => rmSync(data, { recursive: true }))

test('there are examples', () => {
  expect(examples.length).toBeGreaterThan(6)
})

test.each(examples)('plinth $args', async ({ env, args, said, code }) => {
  const here = (words: string): string => words.replaceAll('/tmp/plinth-docs', data)
  const ran = await runBin(args.map(here), join(root, 'examples/saas'), {
    ENVIRONMENT: 'development',
    DATA_DIR: data,
    ...env,
  })
  expect(ran.code, ran.err).toBe(code)
  // Columns are as wide as Lookout's longest entry, each new table is a step more, every key is another one: that is not what
  // the page is about.
  const plain = (words: string): string =>
    words
      .replace(/ +/g, ' ')
      .replace(/\d+ steps/g, 'N steps')
      .replace(/\d{10}-[\w-]{43}\.pem/g, 'KEY.pem')
      .replace(/^id: .*/m, 'id: …')
      .replace(/SECRET_KEYS=.*/, 'SECRET_KEYS=…')
  const shown = plain(here(said)).split(/^…\n/m)
  const whole = plain(ran.out + ran.err)
  let from = 0
  for (const part of shown) {
    const at = whole.indexOf(part, from)
    expect(at, `${part}\nis not in\n${whole}`).toBeGreaterThan(-1)
    from = at + part.length
  }
})
