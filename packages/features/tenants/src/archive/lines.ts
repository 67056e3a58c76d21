import { archiveInvalid } from './format.ts'

const LINE_FEED = 10

/**
 * Bytes as lines of UTF-8, without their line feeds. Never more than one line is held.
 * @throws archive_invalid for a line or a whole that is too long, for what is no UTF-8, and for an end without a line feed
 */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  limits: { readonly line: number; readonly bytes: number },
): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let held: Uint8Array[] = []
  let length = 0
  let total = 0
  const lineOf = (last: Uint8Array): string => {
    const whole = held.length === 0 ? last : Buffer.concat([...held, last])
    held = []
    length = 0
    try {
      return decoder.decode(whole)
    } catch (error) {
      throw archiveInvalid('The archive holds what is no text in UTF-8.', error)
    }
  }
  for await (const chunk of chunks) {
    total += chunk.length
    if (total > limits.bytes) throw archiveInvalid(`The archive holds more than ${limits.bytes} bytes.`)
    let from = 0
    for (;;) {
      const at = chunk.indexOf(LINE_FEED, from)
      const part = chunk.subarray(from, at < 0 ? chunk.length : at)
      length += part.length
      // A character has four bytes at most.
      if (length > limits.line * 4) throw archiveInvalid('A line of the archive is too long.')
      if (at < 0) {
        if (part.length > 0) held.push(part)
        break
      }
      const line = lineOf(part)
      if (line.length > limits.line) throw archiveInvalid('A line of the archive is too long.')
      yield line
      from = at + 1
    }
  }
  if (length > 0) throw archiveInvalid('The archive ends too early: it was cut off.')
}
