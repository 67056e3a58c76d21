import fc from 'fast-check'
import { expect, test } from 'vitest'
import { linesOf } from './lines.ts'

const limits = { line: 1_000, bytes: 100_000 }

async function collect(chunks: readonly Uint8Array[], given = limits): Promise<readonly string[]> {
  async function* all(): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks) yield await Promise.resolve(chunk)
  }
  const lines: string[] = []
  for await (const line of linesOf(all(), given)) lines.push(line)
  return lines
}

test('lines are the same wherever the bytes are cut', async () => {
  const line = fc.string({ unit: 'grapheme', maxLength: 60 }).map((text) => text.replaceAll('\n', ' '))
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 8 }), fc.array(fc.nat(200), { maxLength: 8 }), async (lines, cuts) => {
      const bytes = Buffer.from(lines.map((one) => `${one}\n`).join(''))
      const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((left, right) => left - right)
      const chunks = [0, ...places].map((from, at) => bytes.subarray(from, places[at] ?? bytes.length))
      expect(await collect(chunks)).toEqual(lines)
    }),
    { numRuns: 200 },
  )
})

test.each([
  ['a line that is too long', [Buffer.alloc(1_001, 0x61), Buffer.from('\n')], /line of the archive is too long/],
  ['one that never ends', [Buffer.alloc(5_000, 0x61)], /line of the archive is too long/],
  ['too many bytes', Array.from({ length: 101 }, () => Buffer.from(`${'a'.repeat(999)}\n`)), /more than 100000 bytes/],
  ['no UTF-8', [Buffer.from([0xc3, 0x0a])], /no text in UTF-8/],
  ['half a line', [Buffer.from('a\nb')], /cut off/],
])('%s is refused', async (_, chunks, words) => {
  await expect(collect(chunks)).rejects.toMatchObject({
    code: 'archive_invalid',
    detail: expect.stringMatching(words) as unknown,
  })
})

test('a mark at the beginning is no mark: it is what the line begins with', async () => {
  expect(await collect([Buffer.from('\uFEFF{}\n')])).toEqual(['\uFEFF{}'])
})
