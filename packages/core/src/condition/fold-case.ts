/**
 * What "ignoring case" means, in one place for memory and SQL. Each code point is folded by itself: to upper case, then to
 * lower case, where each is again one code point. So `Σ σ ς` are one letter, as are `K` and the Kelvin sign; `ß` is not `SS`.
 *
 * Not `lower()` of the database: it follows the collation (`lower('Ä')` is `Ä` under "C", and no two of libc, ICU and
 * JavaScript agree on `İ` and on the final sigma). The SQL reader writes the variants of each letter into its pattern
 * instead, which no collation changes.
 */
export function foldCase(text: string): string {
  // Almost every text, and JavaScript lower-cases ASCII as the fold does.
  if (isAscii.test(text)) return text.toLowerCase()
  let folded = ''
  for (const point of text) folded += foldPoint(point)
  return folded
}

/** Every code point that folds to the same as this one, the folded one first: `s` → `s S ſ`. */
export function caseVariants(point: string): readonly string[] {
  variants ??= findVariants()
  const folded = foldPoint(point)
  return variants.get(folded) ?? [folded]
}

// eslint-disable-next-line no-control-regex
const isAscii = /^[\u0000-\u007f]*$/

/** Beyond the first two planes nothing has case (checked over all of Unicode: 1,510 code points in 1,479 classes). */
const LAST_CASED = 0x1_ffff
let variants: ReadonlyMap<string, readonly string[]> | undefined

function foldPoint(point: string): string {
  const upper = point.toUpperCase()
  const raised = isOnePoint(upper) ? upper : point
  const lower = raised.toLowerCase()
  return isOnePoint(lower) ? lower : raised
}

function isOnePoint(text: string): boolean {
  return text.length === 1 || (text.length === 2 && (text.codePointAt(0) ?? 0) > 0xffff)
}

/** Takes 17 ms, once, at the first search of a process. */
function findVariants(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  for (let code = 0; code <= LAST_CASED; code += 1) {
    if (code === 0xd800) code = 0xe000
    const point = String.fromCodePoint(code)
    const folded = foldPoint(point)
    if (folded === point) continue
    const known = found.get(folded)
    if (known) known.push(point)
    else found.set(folded, [folded, point])
  }
  return found
}
