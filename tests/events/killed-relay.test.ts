import { fork, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Plinth } from '@plinth/core'
import { postgresJsDriver, type Driver } from '@plinth/postgres/driver'
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest'
import { createDatabase, loginUrl } from '../../packages/testing/src/server/databases.ts'
import { createSites, relayPlatform } from './relay-process.ts'

const script = fileURLToPath(new URL('relay-process.ts', import.meta.url))
const secretKeys = `k1:${randomBytes(32).toString('base64')}`
const SITES = 60
const KILLS = 5

let url: string
let superuser: Driver
let plinth: Plinth
let drop: () => Promise<void>
let child: ChildProcess | undefined

beforeAll(async () => {
  const database = await createDatabase(inject('postgresUrl'))
  drop = () => database.drop()
  url = loginUrl(database.url, 'plinth_app')
  superuser = postgresJsDriver(database.url, {
    max: 1,
    applicationName: 'tests',
    prepare: false,
    statementTimeoutMs: 0,
    connectTimeoutSeconds: 10,
  })
  plinth = relayPlatform({ url, ownerUrl: database.url, secretKeys, takes: 0 })
  await plinth.migrate()
  await plinth.foundTenant({ slug: 'acme', name: 'Acme' })
  await createSites(plinth, SITES)
  // From here on the processes deliver.
  await plinth.close()
  await superuser.query('delete from public.notes')
  await superuser.query(`update plinth.events set delivered_at = null, handled = '{}', attempts = 0`)
}, 120_000)
afterAll(async () => {
  child?.kill('SIGKILL')
  await superuser.close()
  await drop()
})

const notes = async (): Promise<number> =>
  Number((await superuser.query('select count(*)::int as n from public.notes'))[0]?.['n'])

async function start(takes: number): Promise<ChildProcess> {
  child = fork(script, [JSON.stringify({ url, secretKeys, takes })])
  expect((await once(child, 'message'))[0]).toBe('ready')
  return child
}

test(`kill -9 of the process that delivers, ${KILLS} times: no event is lost, and the effects of each handler are there once`, async () => {
  for (let at = 1; at <= KILLS; at += 1) {
    const running = await start(15)
    // In the middle of its work: some handlers are done, some have begun.
    await vi.waitFor(async () => expect(await notes()).toBeGreaterThanOrEqual(at * 16), {
      timeout: 30_000,
      interval: 5,
    })
    running.kill('SIGKILL')
    await once(running, 'exit')
  }
  expect(await notes()).toBeLessThan(2 * SITES)
  await start(0)
  await vi.waitFor(
    async () =>
      expect(await superuser.query('select count(*)::int as n from plinth.events where delivered_at is null')).toEqual([
        { n: 0 },
      ]),
    { timeout: 30_000 },
  )
  const doubled = 'select site from public.notes group by site, by having count(*) > 1'
  expect(await superuser.query(doubled)).toEqual([])
  expect(await notes()).toBe(2 * SITES)
}, 120_000)
