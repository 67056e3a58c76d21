import { expect, test } from 'vitest'
import { capturedLog } from './captured-log.ts'

test('keeps lines with the fields of child loggers, and errors with their causes', () => {
  const log = capturedLog()
  log.child({ requestId: 'r1' }).child({ tenant: 'acme' }).warn('slow', { milliseconds: 9 })
  log.error('failed', { error: new Error('outer', { cause: new Error('inner') }) })
  expect(log.lines[0]).toEqual({
    level: 'warn',
    event: 'slow',
    fields: { requestId: 'r1', tenant: 'acme', milliseconds: 9 },
  })
  expect(log.of('failed')).toHaveLength(1)
  expect(log.text()).toMatch(/error failed .*outer.*inner/s)
  log.clear()
  expect(log.lines).toEqual([])
})

test('keeps the newest ones only, and none below the level asked for', () => {
  const log = capturedLog({ most: 3, least: 'info' })
  log.debug('unheard')
  for (let at = 0; at < 10; at += 1) log.info(`event ${at}`)
  expect(log.lines.map((line) => line.event)).toEqual(['event 7', 'event 8', 'event 9'])
})
