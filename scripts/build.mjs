// Builds dist of every published package: JavaScript by tsup, declarations by tsc. All or nothing, because a change in core
// may change what is inferred in the packages above it; skipped when nothing changed since the last build.
import { spawn } from 'node:child_process'
import { globSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { publishedPackages, root } from './packages.mjs'

const stamp = join(root, 'node_modules/.cache/plinth/built')

/**
 * Runs a program of node_modules and rejects with its output when it fails.
 * @param {string} program @param {string[]} args @param {string} cwd
 * @returns {Promise<string>}
 */
export function run(program, args, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(join(root, 'node_modules/.bin', program), args, { cwd })
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    child.stderr.on('data', (chunk) => (output += chunk))
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(output)
      else reject(new Error(`${program} ${args.join(' ')} failed in ${cwd}\n${output}`))
    })
  })
}

/**
 * `Promise.all`, as many at a time as there are processors.
 * @template T, R @param {readonly T[]} items @param {(item: T) => Promise<R>} work
 * @returns {Promise<R[]>}
 */
export async function each(items, work) {
  /** @type {R[]} */
  const results = []
  const queue = [...items.entries()]
  const lane = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) results[next[0]] = await work(next[1])
  }
  await Promise.all(Array.from({ length: availableParallelism() }, lane))
  return results
}

/** @param {string} file */
const changed = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0

/** @param {import('./packages.mjs').Package[]} packages */
function upToDate(packages) {
  const built = changed(stamp)
  if (packages.some((one) => changed(join(one.path, 'dist/index.js')) === 0)) return false
  const shared = ['tsconfig.base.json', 'tsup.config.ts', 'pnpm-lock.yaml'].map((file) => join(root, file))
  // Folders count too: a deleted file changes nothing but its folder.
  const own = packages.flatMap((one) =>
    globSync(['package.json', 'tsconfig.build.json', 'src', 'src/**'], { cwd: one.path }).map((file) =>
      join(one.path, file),
    ),
  )
  return [...shared, ...own].every((file) => changed(file) < built)
}

/** Builds what is not built. Resolves with whether there was something to do. */
export async function build() {
  const packages = publishedPackages()
  if (upToDate(packages)) return false
  const started = Date.now()
  for (const one of packages) rmSync(join(one.path, 'dist'), { recursive: true, force: true })
  await run('tsc', ['--build', '--force', 'tsconfig.build.json'], root)
  await each(packages, (one) => run('tsup', [], one.path))
  mkdirSync(join(stamp, '..'), { recursive: true })
  writeFileSync(stamp, new Date(started).toISOString())
  return true
}

if (process.argv[1] === import.meta.filename) {
  try {
    const done = await build()
    console.log(done ? `built ${publishedPackages().length} packages` : 'nothing changed since the last build')
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}
