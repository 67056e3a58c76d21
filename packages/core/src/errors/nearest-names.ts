/** What is longer is no slip of anybody's fingers; comparing it letter by letter with every name takes seconds. */
const LONGEST = 100

/**
 * The names nearest to a mistyped one, at most three: fewest letters to change, in the order given where that is equal.
 * @param most letters that may differ. Default: half of the word
 */
export function nearestNames(
  word: string,
  names: readonly string[],
  most = Math.max(2, Math.ceil(word.length / 2)),
): readonly string[] {
  if (word.length > LONGEST) return []
  return names
    .map((name) => ({ name, distance: distance(word.toLowerCase(), name.toLowerCase()) }))
    .filter((one) => one.distance <= most)
    .sort((left, right) => left.distance - right.distance)
    .slice(0, 3)
    .map(({ name }) => name)
}

/** Letters to insert, drop or change (Levenshtein). */
function distance(left: string, right: string): number {
  let before = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let row = 1; row <= left.length; row += 1) {
    const now = [row]
    for (let column = 1; column <= right.length; column += 1) {
      const change = before[column - 1]! + (left[row - 1] === right[column - 1] ? 0 : 1)
      now.push(Math.min(change, before[column]! + 1, now[column - 1]! + 1))
    }
    before = now
  }
  return before[right.length]!
}
