import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCli } from '@plinth/cli'
import { afterAll, expect, test } from 'vitest'
import { readKeyFolder } from '../packages/features/auth/src/jwt/key-folder.ts'

/* The command line makes signing keys and the feature reads them, and neither imports the other: here they meet. */

const folder = mkdtempSync(join(tmpdir(), 'plinth-key-files-'))
afterAll(() => rmSync(folder, { recursive: true }))

test.each(['RS256', 'ES256', 'EdDSA'])(
  'a %s key of the command line is a key of the feature, and the newest',
  async (algorithm) => {
    const said: string[] = []
    const code = await runCli(['keys:generate', '--rotate', '--dir', 'keys', '--algorithm', algorithm], {
      cwd: folder,
      env: {},
      out: () => undefined,
      err: (text) => said.push(text),
      isLive: false,
      hasColor: false,
      confirm: undefined,
      ask: undefined,
      interrupted: new AbortController().signal,
    })
    expect(code, said.join('')).toBe(0)
    const { keys, faults } = readKeyFolder(join(folder, 'keys'))
    expect(faults).toEqual([])
    const newest = [...keys.values()].sort((left, right) => right.createdAt - left.createdAt)[0]!
    expect(newest.key.algorithm).toBe(algorithm)
    expect(said.join('')).toContain(newest.key.kid)
  },
)
