import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { greeting, type GreetingParts } from './greeting.ts'

const parts: GreetingParts = {
  settings: { ENVIRONMENT: 'development', LOOKOUT_ALLOW_PRIVATE: true },
  url: 'http://127.0.0.1:8000',
  database: 'embedded, in /data/database',
  tokens: { path: '/data/service-tokens.json', tokens: { acme: 'token-of-acme', beta: 'token-of-beta' } },
}

test('in development the command holds the token and points at our own demo page', () => {
  const text = greeting(parts)
  expect(text).toContain("-H 'authorization: Bearer token-of-acme'")
  expect(text).toContain(`-d '{"name":"Demo client","url":"http://127.0.0.1:8000/demo"}'`)
  expect(text).not.toContain('token-of-beta')
})

test('elsewhere the token stays in its file, and the shell reads it from there', () => {
  const folder = mkdtempSync(join(tmpdir(), "lookout's greeting "))
  const path = join(folder, 'service-tokens.json')
  const { tokens } = parts.tokens
  writeFileSync(path, JSON.stringify(tokens))
  const text = greeting({
    ...parts,
    settings: { ENVIRONMENT: 'production', LOOKOUT_ALLOW_PRIVATE: false },
    tokens: { path, tokens },
  })
  expect(text).not.toContain('token-of-acme')
  expect(text).toContain('https://example.com')
  const command = text.slice(text.indexOf('curl ')).replace(/^curl /, `printf '%s\\n' `)
  const said = spawnSync('sh', ['-c', command], {
    encoding: 'utf8',
    env: { PATH: `${join(process.execPath, '..')}:${process.env['PATH']}` },
  })
  rmSync(folder, { recursive: true })
  expect(said.stdout.split('\n')).toContain('authorization: Bearer token-of-acme')
})
