import { maskText } from './mask-text.ts'

/**
 * Words of somebody else (why something failed, how far it is) as they are kept: masked, cut, and such that PostgreSQL takes them. A NUL
 * or the half of a surrogate pair, which a cut may leave as well, would make the statement fail that says what went wrong.
 * @param most characters
 */
export function storedText(text: string, most: number): string {
  return maskText(text).slice(0, most).replaceAll('\0', '\uFFFD').toWellFormed()
}
