/*
 * Which passwords are tried first: those of the list, and those that are made of one or two things of it. The lists hold few
 * passwords of fifteen characters, and what people do about a longer minimum is `passwordpassword` and `dragon1234567890`.
 */

/** What fingers do: rows, columns and zigzags of a keyboard, digits and letters in order; each also backwards. */
const walks = [
  '01234567890123456789',
  'abcdefghijklmnopqrstuvwxyz',
  'qwertyuiop',
  'asdfghjkl',
  'zxcvbnm',
  'qwertyuiopasdfghjklzxcvbnm',
  'qwertzuiopasdfghjklyxcvbnm',
  'azertyuiopqsdfghjklmwxcvbn',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/',
  'qazwsxedcrfvtgbyhnujmikolp',
  '1q2w3e4r5t6y7u8i9o0p',
  'q1w2e3r4t5y6u7i8o9p0',
  'a1b2c3d4e5f6g7h8i9',
  '112233445566778899',
  '111222333444555666777888999',
].flatMap((walk) => [walk, [...walk].reverse().join('')])

/** Longer ones are not guessed from lists; and what is looked through grows with the square. */
const longest = 64
/** How many things of the list a guess is made of. Two of 49,000 are 2 · 10⁹: an hour for whoever stole the hash. */
const parts = 2

/**
 * Whether a password is guessed from a list: it is one of it, or of one's own words; one or two of them behind each other, with
 * other letters for some (`p@ssw0rd`), a few digits at the ends, or over and over again.
 * @param words names that a guesser knows: in small letters, of at least 3 characters
 */
export function isGuessable(password: string, list: ReadonlySet<string>, words: readonly string[]): boolean {
  const folded = password.toLowerCase().replaceAll(/\s+/g, ' ').trim()
  const joined = folded.replaceAll(/[\s._-]+/g, '')
  const spellings = new Set([
    folded,
    joined,
    ...['i', 'l'].flatMap((one) => [unleet(folded, one), unleet(joined, one)]),
  ])
  return [...spellings].some((text) => list.has(text) || madeOfFew(unrepeated(text), list, words))
}

/** `abcabcabc` as `abc`: the shortest piece that the text repeats (found by the longest border, in one pass). */
function unrepeated(text: string): string {
  const borders = [0]
  for (let index = 1; index < text.length; index += 1) {
    let border = borders[index - 1]!
    while (border > 0 && text[index] !== text[border]) border = borders[border - 1]!
    borders.push(text[index] === text[border] ? border + 1 : 0)
  }
  const period = text.length - (borders.at(-1) ?? 0)
  // Also with a piece cut off at the end: `abcabcab`.
  return period <= text.length / 2 ? text.slice(0, period) : text
}

const letters: Readonly<Record<string, string>> = { '@': 'a', '4': 'a', '3': 'e', '0': 'o', $: 's', '5': 's', '7': 't' }

function unleet(text: string, one: string): string {
  // A mark of exclamation at the end is one.
  return text.replaceAll(/[@430$57]/g, (mark) => letters[mark] ?? mark).replaceAll(/1|!(?!!*$)/g, one)
}

/** The fewest things that make up the text from its beginning to each place; each place is reached from those before it. */
function madeOfFew(text: string, list: ReadonlySet<string>, words: readonly string[]): boolean {
  if (text.length > longest) return false
  if (text.length <= 4) return true
  const fewest: number[] = [0]
  for (let end = 1; end <= text.length; end += 1) {
    let best = Number.POSITIVE_INFINITY
    for (let start = 0; start < end; start += 1) {
      const before = fewest[start]!
      const piece = text.slice(start, end)
      if (isFiller(piece) && (start === 0 || end === text.length)) best = Math.min(best, before)
      else if (before < parts && isOneThing(piece, list, words)) best = Math.min(best, before + 1)
    }
    fewest.push(best)
  }
  return fewest[text.length]! <= parts
}

/** The year, the digit and the mark that rules of composition have taught people to add. */
const isFiller = (piece: string): boolean => piece.length <= 4 && /^[\d\p{P}\p{S} ]+$/u.test(piece)

function isOneThing(piece: string, list: ReadonlySet<string>, words: readonly string[]): boolean {
  if (piece.length < 3) return false
  if (words.includes(piece) || walks.some((walk) => walk.includes(piece))) return true
  const shortest = unrepeated(piece)
  return shortest.length <= 1 || (piece.length >= 4 && (list.has(piece) || list.has(shortest)))
}
