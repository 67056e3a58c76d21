import { fork, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Plinth } from '@plinth/core'
import { postgresJsDriver, type Driver } from '@plinth/postgres/driver'
import { verifyWebhook } from '@plinth/webhooks'
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest'
import { createDatabase, loginUrl } from '../../packages/testing/src/server/databases.ts'
import { seededRandom, webhookReceiver, type WebhookReceiver } from '@plinth/testing'
import { createSites, senderPlatform, TOKEN } from './sender-process.ts'

/*
 * Two processes send to a receiver that fails at 30 % of what comes and hangs at 5 %, and are killed by kill -9 while they do. Short here;
 * `npm run test:crash -- --only webhooks` is the long run.
 */
const EVENTS = Number(process.env['PLINTH_WEBHOOK_EVENTS'] ?? 300)
const KILLS = Math.max(4, Math.round(EVENTS / 500))

const script = fileURLToPath(new URL('sender-process.ts', import.meta.url))
const secretKeys = `k1:${randomBytes(32).toString('base64')}`
const random = seededRandom('receiver')

let target: WebhookReceiver
let url: string
let superuser: Driver
let plinth: Plinth
let drop: () => Promise<void>
let secret: string
const children = new Set<ChildProcess>()

beforeAll(async () => {
  target = await webhookReceiver()
  const database = await createDatabase(inject('postgresUrl'))
  drop = () => database.drop()
  url = loginUrl(database.url, 'plinth_app')
  superuser = postgresJsDriver(database.url, {
    max: 2,
    applicationName: 'tests',
    prepare: false,
    statementTimeoutMs: 0,
    connectTimeoutSeconds: 10,
  })
  plinth = senderPlatform({ url, ownerUrl: database.url, secretKeys, host: target.host })
  await plinth.migrate()
  await plinth.foundTenant({ slug: 'acme', name: 'Acme' })
  const made = await plinth.fetch(
    new Request('http://test/api/v1/webhooks', {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify({ url: `${target.url}/hook`, events: ['site.created'] }),
    }),
  )
  if (made.status !== 201) throw new Error(await made.text())
  secret = ((await made.json()) as { secret: string }).secret
  // From here on the processes send.
  await plinth.registry.features.find(({ name }) => name === 'webhooks')!.stop!()
  await createSites(plinth, EVENTS)
  await plinth.close()
}, 600_000)
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await superuser.close()
  await target.close()
  await drop()
})

async function start(): Promise<ChildProcess> {
  const child = fork(script, [JSON.stringify({ url, secretKeys, host: target.host })])
  children.add(child)
  child.once('exit', () => children.delete(child))
  expect((await once(child, 'message'))[0]).toBe('ready')
  return child
}

const left = async (): Promise<number> => {
  const [row] = await superuser.query(`select
    (select count(*) from plinth.events where delivered_at is null and parked_at is null and type = 'site.created')
    + (select count(*) from plinth.webhook_deliveries where status = 'pending') as n`)
  return Number(row!['n'])
}

/** What waits for hours does not, and what a receiver did wrong is forgiven: three days go by in a moment. */
const hurry = (): Promise<unknown> =>
  Promise.all([
    superuser.query(`update plinth.webhook_deliveries set next_at = now(), attempts = 0
      where status = 'pending' and lease is null and next_at > now()`),
    superuser.query(
      `update plinth.webhooks_out set failing_since = null, paused_until = null where failing_since is not null`,
    ),
    // Nor is a lease waited for that is nobody's any more.
    superuser.query(`update plinth.webhook_deliveries set lease_until = now() where lease_until > now() + interval '3 seconds'
      and lease_until < now() + interval '13 seconds'`),
  ])

test(
  `${EVENTS} events, ${KILLS} times kill -9: each arrives, under one id, signed, and none is given up`,
  { timeout: 120_000 + EVENTS * 100 },
  async () => {
    let [hung, failed] = [0, 0]
    target.answer = (response) => {
      const drawn = random.next()
      if (drawn < 0.05) hung += 1
      else if (drawn < 0.35) {
        failed += 1
        response.writeHead(drawn < 0.3 ? 500 : 302, { location: 'http://127.0.0.1:1/' }).end()
      } else response.writeHead(204).end()
    }
    await Promise.all([start(), start()])
    let kills = 0
    await vi.waitFor(
      async () => {
        await hurry()
        const now = await left()
        // Spread over the whole of it.
        if (kills < KILLS && EVENTS - now >= (EVENTS * (kills + 1)) / (KILLS + 2)) {
          kills += 1
          const [one] = children
          one?.kill('SIGKILL')
          await start()
        }
        expect(now).toBe(0)
      },
      { timeout: 100_000 + EVENTS * 100, interval: 50 },
    )
    await sleep(100)
    expect(kills).toBe(KILLS)
    const rows = await superuser.query(`select event_id, status, body from plinth.webhook_deliveries`)
    expect(rows).toHaveLength(EVENTS)
    expect(new Set(rows.map((row) => row['status']))).toEqual(new Set(['delivered']))
    const bodies = new Map(rows.map((row) => [String(row['event_id']), String(row['body'])]))
    const arrived = new Map<string, number>()
    for (const one of target.received) {
      const id = String(one.headers['webhook-id'])
      arrived.set(id, (arrived.get(id) ?? 0) + 1)
      // The same bytes, each time.
      expect(one.body).toBe(bodies.get(id))
      const sent = new Date(Number(one.headers['webhook-timestamp']) * 1_000)
      verifyWebhook(secret, one.headers, one.body, { now: sent })
    }
    expect(arrived.size).toBe(EVENTS)
    expect(Math.min(failed, hung)).toBeGreaterThan(0)
    if (EVENTS > 300)
      process.stderr.write(
        `${EVENTS} events in ${target.received.length} requests: ${failed} failed, ${hung} hung, ${kills} kills; each arrived\n`,
      )
  },
)
