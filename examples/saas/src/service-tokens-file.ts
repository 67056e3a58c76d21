import { hash, randomBytes } from 'node:crypto'
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { StartupError, type ServiceToken } from '@plinth/core'
import { z } from 'zod'

/** Token by slug of the tenant. */
export type TokensBySlug = Readonly<Record<string, string>>

export interface ServiceTokensFile {
  readonly path: string
  readonly tokens: TokensBySlug
}

const stored = z.record(z.string(), z.string().regex(/^[\w-]{32,}$/))

/**
 * The tokens of `<dataDir>/service-tokens.json` (0600); the file is made at the first start, with one token for each slug.
 * @throws StartupError where the file is damaged, lacks a slug, or cannot be written
 */
export function readServiceTokens(dataDir: string, slugs: readonly string[]): ServiceTokensFile {
  const path = join(dataDir, 'service-tokens.json')
  try {
    const tokens = read(path) ?? make(dataDir, path, slugs)
    const missing = slugs.filter((slug) => !Object.hasOwn(tokens, slug))
    if (missing.length > 0) throw damaged(path, `has no token for ${missing.join(' and ')}`)
    return { path, tokens }
  } catch (error) {
    if (error instanceof StartupError) throw error
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    const fix = `make ${dataDir} a folder that this user may write`
    throw new StartupError([{ path: 'DATA_DIR', problem: `${path} cannot be made or read (${code})`, fix }])
  }
}

/** What `serviceTokens()` takes: hashes only, so that the tokens themselves do not wander through the process. */
export function serviceTokensOf({ tokens }: ServiceTokensFile): readonly ServiceToken[] {
  return Object.entries(tokens).map(([tenant, token]) => ({
    name: `${tenant}-service`,
    tenant,
    tokenSha256: hash('sha256', token, 'hex'),
    permissions: ['*'],
  }))
}

function read(path: string): TokensBySlug | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
  // A copy or an unpacked archive may have opened it to others.
  if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600)
  try {
    return stored.parse(JSON.parse(text))
  } catch {
    throw damaged(path, 'is damaged')
  }
}

function make(dataDir: string, path: string, slugs: readonly string[]): TokensBySlug {
  // The folder lies in a project that someone commits.
  if (mkdirSync(dataDir, { recursive: true, mode: 0o700 })) writeFileSync(join(dataDir, '.gitignore'), '*\n')
  const tokens = Object.fromEntries(slugs.map((slug) => [slug, randomBytes(32).toString('base64url')]))
  const draft = `${path}.${process.pid}.${randomBytes(6).toString('hex')}`
  try {
    writeFileSync(draft, `${JSON.stringify(tokens, null, 2)}\n`, { flag: 'wx', mode: 0o600, flush: true })
    // link() fails where the name exists: of two processes that start at once one wins, and both read its file whole.
    linkSync(draft, path)
    return tokens
  } catch (error) {
    const winners = hasCode(error, 'EEXIST') ? read(path) : undefined
    if (winners) return winners
    throw error
  } finally {
    rmSync(draft, { force: true })
  }
}

function damaged(path: string, problem: string): StartupError {
  return new StartupError([{ path, problem, fix: `rm ${path} (the next start makes new tokens; the old ones end)` }])
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code
