// The one place that knows where packages live; build, pack and the tests of the repository ask it.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

export const root = resolve(import.meta.dirname, '..')

const patterns = ['packages/*', 'packages/{features,surfaces,adapters,connectors}/*', 'examples/*', 'benchmarks']

/**
 * @typedef {{ name: string, private?: boolean, version: string, license?: string, type?: string,
 *   exports?: Record<string, string>, files?: string[], scripts?: Record<string, string>,
 *   dependencies?: Record<string, string>, devDependencies?: Record<string, string>,
 *   peerDependencies?: Record<string, string>, optionalDependencies?: Record<string, string> }} Manifest
 * @typedef {{ name: string, folder: string, path: string, published: boolean, manifest: Manifest }} Package
 */

/**
 * Every package of the workspace, by folder. `folder` is relative to the root, `path` absolute.
 * @returns {Package[]}
 */
export function packages() {
  return globSync(
    patterns.map((pattern) => `${pattern}/package.json`),
    { cwd: root },
  )
    .sort()
    .map((file) => {
      /** @type {Manifest} */
      const manifest = JSON.parse(readFileSync(join(root, file), 'utf8'))
      const folder = dirname(file)
      return { name: manifest.name, folder, path: join(root, folder), published: manifest.private !== true, manifest }
    })
}

/**
 * The packages that are published and have something to publish.
 * @returns {Package[]}
 */
export function publishedPackages() {
  return packages().filter((one) => one.published && existsSync(join(one.path, 'src/index.ts')))
}
