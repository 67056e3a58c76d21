import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { expect, test } from 'vitest'
import { spooled, streamOf } from './spool.ts'

const named = (): readonly string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('plinth-export-'))
const never = new AbortController().signal
const chunks = (count: number): Readable =>
  Readable.from(Array.from({ length: count }, (_, at) => Buffer.alloc(50_000, at)))
const write = (count: number) => (destination: NodeJS.WritableStream) => pipeline(chunks(count), destination)

test('the file has no name while it is written: a process that is killed then leaves nothing', async () => {
  let seen: readonly string[] | undefined
  const { file } = await spooled({ bytes: 1_000_000, signal: never }, async (destination) => {
    await write(4)(destination)
    seen = named()
  })
  expect(seen).toEqual([])
  const text = Buffer.from(await new Response(streamOf(file, { idle: 60_000, most: 60_000, onEnd() {} })).arrayBuffer())
  expect(text.equals(Buffer.concat(await chunks(4).toArray()))).toBe(true)
})

test('more bytes than there may be are refused', async () => {
  await expect(spooled({ bytes: 199_999, signal: never }, write(4))).rejects.toMatchObject({
    code: 'validation_failed',
    detail: expect.stringContaining('larger than 199999 bytes') as unknown,
  })
  const { file } = await spooled({ bytes: 200_000, signal: never }, write(4))
  await file.close()
})

test.each(['before it', 'meanwhile'])('who hung up %s ends the writing', async (when) => {
  const gone = new AbortController()
  if (when === 'before it') gone.abort()
  const endless = Readable.from(
    (function* () {
      for (;;) {
        yield Buffer.alloc(10)
        gone.abort()
      }
    })(),
  )
  const spooling = spooled({ bytes: 1_000_000_000, signal: gone.signal }, (destination) =>
    pipeline(endless, destination),
  )
  await expect(spooling).rejects.toMatchObject({ code: 'unavailable' })
})

test('a reader has so long in all, however often he takes something', async () => {
  const { file } = await spooled({ bytes: 1_000_000, signal: never }, write(4))
  let ends = 0
  const reader = streamOf(file, { idle: 600_000, most: 100, onEnd: () => (ends += 1) }).getReader()
  await reader.read()
  await expect(reader.closed).rejects.toThrow('the reader took longer than 100 ms')
  expect(ends).toBe(1)
})
