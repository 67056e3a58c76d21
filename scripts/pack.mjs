// Packs every published package as it would be published and prints { "<name>": "<tarball>" }. With --check it also runs
// publint and attw on the tarballs: they judge what a user installs, not what lies in the working tree.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { build, each, run } from './build.mjs'
import { publishedPackages } from './packages.mjs'

/**
 * Builds what changed and packs every published package into `folder` (absolute).
 * @param {string} folder
 * @returns {Promise<Record<string, string>>} tarball by package name
 */
export async function pack(folder) {
  await build()
  mkdirSync(folder, { recursive: true })
  const tarballs = await each(publishedPackages(), async (one) => {
    const file = join(folder, `${one.name.replace('@', '').replace('/', '-')}-${one.manifest.version}.tgz`)
    await run('pnpm', ['pack', '--out', file], one.path)
    return [one.name, file]
  })
  return Object.fromEntries(tarballs)
}

/** @param {Record<string, string>} tarballs */
async function check(tarballs) {
  const folder = import.meta.dirname
  await each(Object.values(tarballs), async (file) => {
    await run('publint', ['--strict', file], folder)
    await run('attw', ['--profile', 'esm-only', '--no-emoji', file], folder)
  })
}

if (process.argv[1] === import.meta.filename) {
  const checking = process.argv.includes('--check')
  const wanted = process.argv.slice(2).find((argument) => !argument.startsWith('--'))
  const folder = wanted ? resolve(wanted) : mkdtempSync(join(tmpdir(), 'plinth-pack-'))
  try {
    const tarballs = await pack(folder)
    if (checking) await check(tarballs)
    console.log(JSON.stringify(tarballs, null, 2))
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  } finally {
    if (!wanted && checking) rmSync(folder, { recursive: true })
  }
}
