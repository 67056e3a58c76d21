import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../scripts/packages.mjs'

/** Every file of the repository that git knows or would add, relative to the root. */
export function files(matching: RegExp = /./): string[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root })
  return listed
    .toString()
    .split('\0')
    .filter((file) => file !== '' && matching.test(file) && existsSync(join(root, file)))
    .sort()
}

export function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

/** Files that ship or could ship: no tests, no fixtures of tests. */
export const isSource = (file: string): boolean => /\.(ts|tsx|mjs)$/.test(file) && !/\.test(-d)?\.tsx?$/.test(file)
