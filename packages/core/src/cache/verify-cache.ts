import { readDuration } from '../duration/read-duration.ts'
import type { StartupFault } from '../errors/startup-error.ts'
import type { Resource } from '../resource/define-resource.ts'

/** Seconds that a row of the resource may be old for its readers; undefined where none may. */
export function cacheSecondsOf(
  at: string,
  declaration: Resource,
  origin: 'product' | 'platform',
  faults: StartupFault[],
): number | undefined {
  if (declaration.cache === undefined) return undefined
  const refuse = (problem: string, fix: string): void => void faults.push({ path: `${at}.cache`, problem, fix })
  const seconds = readDuration(declaration.cache)
  if (seconds === undefined) refuse(`'${declaration.cache}' is no length of time`, "cache: '5s'")
  const { beforeRead, afterRead, beforeList, afterList } = declaration.hooks
  if (beforeRead ?? afterRead ?? beforeList ?? afterList)
    refuse('its rows are changed or refused by hooks of reading, which ask who reads', 'drop the hooks or `cache`')
  if (declaration.builtIn) refuse('some of its rows are code and not in the database', 'drop `builtIn` or `cache`')
  if (origin === 'platform') refuse('rows of features are written by statements that nobody is told of', 'drop `cache`')
  return seconds
}
