/**
 * The bytes of a text, exactly: a lone surrogate would become U+FFFD, so that two texts would share a signature and a sealed
 * one would open as another. Text from requests has none (the body's scan refuses them).
 * @throws RangeError
 */
export function utf8(text: string): Buffer {
  if (/\p{Surrogate}/u.test(text)) throw new RangeError('the text holds a lone surrogate, which has no form in UTF-8')
  return Buffer.from(text, 'utf8')
}
