/** Bytes of UTF-8 that a password may have. A phrase of 170 Chinese characters fits; a megabyte, which costs to hash, does not. */
export const longestPassword = 1_024

/**
 * The bytes that are hashed: UTF-8 of the NFKC form (NIST SP 800-63B-4 §3.1.1.2), since one keyboard types `é` as one code
 * point, another as two, and a third full-width letters. Every byte counts, NUL as well; nothing is trimmed or cut.
 * @returns undefined where the text is longer than 1,024 bytes or no well-formed text (a lone surrogate would be hashed as
 *   U+FFFD, and so be the same password as any other). Found out before anything is computed
 */
export function preparePassword(password: string): Buffer | undefined {
  // NFKC makes up to 18 code units of one (U+FDFA): the form of what passes here has at most 55 KB.
  if (password.length > longestPassword || !password.isWellFormed()) return undefined
  const bytes = Buffer.from(password.normalize('NFKC'))
  return bytes.length > longestPassword ? undefined : bytes
}
