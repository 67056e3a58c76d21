import { spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StartupError } from '@plinth/core'
import { afterAll, expect, test } from 'vitest'
import { readServiceTokens, serviceTokensOf } from './service-tokens-file.ts'

const root = mkdtempSync(join(tmpdir(), 'lookout-tokens-'))
afterAll(() => rmSync(root, { recursive: true }))
let made = 0
const folder = (): string => join(root, String(made++))
const slugs = ['acme', 'beta']
const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8)

test('the first start makes one token for each agency, the second reads them', () => {
  const dataDir = folder()
  const first = readServiceTokens(dataDir, slugs)
  expect(first.path).toBe(join(dataDir, 'service-tokens.json'))
  expect(JSON.parse(readFileSync(first.path, 'utf8'))).toEqual({
    acme: expect.stringMatching(/^[\w-]{43}$/),
    beta: expect.stringMatching(/^[\w-]{43}$/),
  })
  expect(first.tokens['acme']).not.toBe(first.tokens['beta'])
  expect(readServiceTokens(dataDir, slugs)).toEqual(first)
  expect([mode(first.path), mode(dataDir)]).toEqual(['600', '700'])
  expect(readdirSync(dataDir).sort()).toEqual(['.gitignore', 'service-tokens.json'])
})

test('a file that was opened to others is closed again', () => {
  const { path } = readServiceTokens(join(root, '0'), slugs)
  chmodSync(path, 0o644)
  readServiceTokens(join(root, '0'), slugs)
  expect(mode(path)).toBe('600')
})

test('processes that start at once get the same tokens', async () => {
  const dataDir = folder()
  const script = `import { readServiceTokens } from ${JSON.stringify(join(import.meta.dirname, 'service-tokens-file.ts'))}
    console.log(JSON.stringify(readServiceTokens(${JSON.stringify(dataDir)}, ['acme', 'beta']).tokens))`
  const answers = await Promise.all(
    Array.from(
      { length: 4 },
      () =>
        new Promise<string>((resolve, reject) => {
          const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
            stdio: ['ignore', 'pipe', 'inherit'],
          })
          let said = ''
          child.stdout.on('data', (chunk: Buffer) => (said += String(chunk)))
          child.on('error', reject)
          child.on('close', () => resolve(said))
        }),
    ),
  )
  expect(new Set(answers).size).toBe(1)
  expect(JSON.parse(answers[0] ?? '')).toEqual(readServiceTokens(dataDir, slugs).tokens)
  expect(readdirSync(dataDir).filter((name) => name.startsWith('service-tokens'))).toEqual(['service-tokens.json'])
})

test.each([
  ['{ "acme": "half', 'is damaged'],
  ['{ "acme": "short", "beta": "short" }', 'is damaged'],
  ['[]', 'is damaged'],
  [`{ "acme": "${'a'.repeat(43)}" }`, 'has no token for beta'],
])('a file that holds %s is a fault and stays as it is', (text, problem) => {
  const dataDir = folder()
  mkdirSync(dataDir)
  const path = join(dataDir, 'service-tokens.json')
  writeFileSync(path, text)
  const error = caught(() => readServiceTokens(dataDir, slugs))
  expect(error.faults).toEqual([{ path, problem, fix: expect.stringContaining(`rm ${path}`) }])
  expect(readFileSync(path, 'utf8')).toBe(text)
})

test('a folder that cannot be made is a fault', () => {
  const file = join(root, 'file')
  writeFileSync(file, '')
  expect(caught(() => readServiceTokens(join(file, 'below'), slugs)).message).toContain('DATA_DIR')
  expect(existsSync(join(file, 'below'))).toBe(false)
})

test('the platform is given hashes only', () => {
  const file = readServiceTokens(join(root, '0'), slugs)
  const given = serviceTokensOf(file)
  expect(given.map(({ name, tenant, permissions }) => [name, tenant, permissions])).toEqual([
    ['acme-service', 'acme', ['*']],
    ['beta-service', 'beta', ['*']],
  ])
  for (const token of Object.values(file.tokens)) expect(JSON.stringify(given)).not.toContain(token)
})

function caught(work: () => unknown): StartupError {
  try {
    work()
  } catch (error) {
    if (error instanceof StartupError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
