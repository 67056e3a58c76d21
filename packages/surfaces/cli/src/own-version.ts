import { readFileSync } from 'node:fs'

/** The version of this package, and so of all of Plinth's: they share one. */
export function ownVersion(): string {
  const file = new URL('../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version
}
