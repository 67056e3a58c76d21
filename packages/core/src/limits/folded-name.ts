/**
 * Of a name or address whatever the database may take for the same, as the key of a bucket: its `lower` makes `i` of `İ`, JavaScript makes
 * two characters, and each spelling would have tries of its own. More may fall together than are the same; they share a bucket, and
 * nothing else.
 */
export function foldedName(name: string): string {
  const plain = name.normalize('NFKD').replaceAll(/\p{M}+/gu, '')
  return Array.from(plain, (character) => character.toLowerCase()).join('')
}
