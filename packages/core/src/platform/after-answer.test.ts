import { expect, test } from 'vitest'
import { silentLogger } from '../logging/silent-logger.ts'
import { AfterAnswer } from './after-answer.ts'

test('too much of one name is refused and told, and holds up no other', async () => {
  const after = new AfterAnswer(silentLogger)
  let release = (): void => undefined
  const held = new Promise<void>((resolve) => (release = resolve))
  const begun = Array.from({ length: 1_010 }, () => after.start('audit', () => held))
  expect(begun.filter(Boolean)).toHaveLength(1_000)
  let sent = false
  expect(after.start('mail', () => Promise.resolve(void (sent = true)))).toBe(true)
  release()
  await after.settled()
  expect(sent).toBe(true)
  expect(after.start('audit', () => Promise.resolve())).toBe(true)
})
