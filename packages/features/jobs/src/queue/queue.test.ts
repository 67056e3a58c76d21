import type { Database } from '@plinth/core'
import { expect, test } from 'vitest'
import { queueTables } from './queue-tables.ts'
import { Queue } from './queue.ts'

const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length

test('what could not begin, as while the database is away, leaves nothing behind that goes on', async () => {
  // It answers what is asked first, of the version, and goes away then.
  const library: Database['library'] = (text) =>
    /version/.test(text) && !/queue q|from plinth_queue\.queue/i.test(text)
      ? Promise.resolve([{ name: 'version', installed: true, version: queueTables.version }])
      : Promise.reject(new Error('away'))
  const away = { library } as unknown as Database
  const queue = new Queue(away)
  const before = timers()
  for (let at = 0; at < 5; at += 1) await expect(queue.take(1)).rejects.toThrow(/away|not initialized/)
  expect(timers()).toBeLessThanOrEqual(before)
  await queue.close()
})
