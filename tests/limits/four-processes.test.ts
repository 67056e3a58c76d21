import { fork, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { launchRedis, type TestRedis } from '@plinth/testing'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { createDatabase, loginUrl } from '../../packages/testing/src/server/databases.ts'
import { limitedPlatform, type LimitedProcess } from './limited-process.ts'

const script = fileURLToPath(new URL('limited-process.ts', import.meta.url))
const secretKeys = `k1:${randomBytes(32).toString('base64')}`

let url: string
let redis: TestRedis
let drop: () => Promise<void>
const children: ChildProcess[] = []

beforeAll(async () => {
  const database = await createDatabase(inject('postgresUrl'))
  drop = () => database.drop()
  url = loginUrl(database.url, 'plinth_app')
  const plinth = limitedPlatform({ url, ownerUrl: database.url, secretKeys, capacity: 100 })
  await plinth.migrate()
  await plinth.foundTenant({ slug: 'acme', name: 'Acme' })
  await plinth.close()
  redis = await launchRedis()
}, 300_000)
afterAll(async () => {
  for (const child of children.splice(0)) {
    child.disconnect()
    await once(child, 'exit')
  }
  await redis?.stop()
  await drop()
})

async function start(options: LimitedProcess): Promise<ChildProcess> {
  const child = fork(script, [JSON.stringify(options)])
  children.push(child)
  expect((await once(child, 'message'))[0]).toBe('ready')
  return child
}

test.each(['database', 'Redis'])(
  '1,000 requests at once over four processes, 100 a day, counted in the %s: exactly 100 are served',
  async (where) => {
    const redisUrl = where === 'Redis' ? redis.url : undefined
    const processes = await Promise.all(
      Array.from({ length: 4 }, () => start({ url, redisUrl, secretKeys, capacity: 100 })),
    )
    const answers = processes.map(async (child) => {
      const answered = once(child, 'message')
      child.send(250)
      return (await answered)[0] as Record<number, number>
    })
    const counts = await Promise.all(answers)
    const sum = (status: number): number => counts.reduce((all, one) => all + (one[status] ?? 0), 0)
    expect({ 200: sum(200), 429: sum(429) }).toEqual({ 200: 100, 429: 900 })
  },
)
