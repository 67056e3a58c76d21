import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { askLine } from './ask-line.ts'

function asked(hidden: boolean) {
  const [input, output, stop] = [new PassThrough(), new PassThrough(), new AbortController()]
  let shown = ''
  output.on('data', (chunk: Buffer) => (shown += String(chunk)))
  const answer = askLine({ input, output, question: 'Password: ', hidden, stop })
  return { answer, stop, type: (keys: string) => void input.write(keys), shown: () => shown }
}

test('what is hidden is not shown, key by key, pasted, or corrected', async () => {
  const { answer, type, shown } = asked(true)
  for (const key of 'kestrel') type(key)
  type('X\u007f 7 quays\r')
  expect(await answer).toBe('kestrel 7 quays')
  expect(shown()).toBe('Password: \n')
})

test('what is not hidden is shown', async () => {
  const { answer, type, shown } = asked(false)
  type('ada\r')
  expect(await answer).toBe('ada')
  expect(shown()).toContain('ada')
})

test('Ctrl-D is no answer; Ctrl-C ends the program, though the terminal sends no signal for it', async () => {
  const ended = asked(true)
  ended.type('\u0004')
  expect(await ended.answer).toBeUndefined()
  const interrupted = asked(true)
  interrupted.type('half\u0003')
  await expect(interrupted.answer).rejects.toThrow('aborted')
  expect(interrupted.stop.signal.aborted).toBe(true)
  expect(interrupted.shown()).not.toContain('half')
})
