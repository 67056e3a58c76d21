import { createHash } from 'node:crypto'
import { defineResource, resourceTable, type Feature } from '@plinth/core'
import { testPlatform, type TestPlatform, type TestPlatformOptions, type TestReply } from '@plinth/testing'
import { integer, text } from 'drizzle-orm/pg-core'
import { expect, vi } from 'vitest'
import { webhooks, type WebhooksOptions, type WebhooksParts } from '../src/index.ts'

export const sites = resourceTable('sites', {
  name: text().notNull(),
  contact: text(),
  token: text(),
  internal: text(),
  price: text(),
  views: integer(),
})
export const site = defineResource({
  table: sites,
  fields: {
    contact: { personal: 'email' },
    token: { secret: true },
    internal: { hidden: true },
    price: { restricted: true },
  },
})

const SECRET_KEYS = `test:${createHash('sha256').update('keys of webhooks').digest('base64')}`

export interface MadeWebhook {
  readonly id: string
  readonly secret: string
}

export interface WebhookPlatform extends TestPlatform {
  /** As somebody with every right in tenant a (or another actor of it). */
  ask(method: string, path: string, body?: unknown, who?: string): Promise<TestReply>
  make(url: string, events?: readonly string[], more?: object): Promise<MadeWebhook>
  makeSite(name: string, more?: object): Promise<string>
  /** Rows of `plinth.webhook_deliveries`, in the order of their events. */
  rows(where?: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  /** Until nothing is due. */
  settled(): Promise<void>
}

export interface WebhookPlatformOptions extends Omit<Partial<TestPlatformOptions>, 'plinth'> {
  readonly allow?: readonly string[]
  readonly webhooks?: WebhooksOptions
  readonly parts?: WebhooksParts
  readonly plinth?: TestPlatformOptions['plinth']
}

export async function webhookPlatform(options: WebhookPlatformOptions = {}): Promise<WebhookPlatform> {
  const { allow = [], webhooks: given, parts, plinth, ...more } = options
  const features: readonly Feature[] = [webhooks({ pollMs: 20, ...given }, parts), ...(more.features ?? [])]
  const platform = await testPlatform({
    resources: [site],
    ...more,
    features,
    plinth: { env: { ENVIRONMENT: 'test', SECRET_KEYS, WEBHOOKS_ALLOW_HOSTS: allow.join(',') }, ...plinth },
  })
  const ask: WebhookPlatform['ask'] = (method, path, body, who = 'full') =>
    platform.request(platform.a.actors[who], method, `/api/v1/${path}`, body)
  const rows: WebhookPlatform['rows'] = (where = 'true') =>
    platform.superuser.query(`select *, log::text as log from plinth.webhook_deliveries where ${where} order by seq`)
  // Serving begins with the first request that needs the database.
  await ask('GET', 'sites')
  return {
    ...platform,
    ask,
    rows,
    async make(url, events = ['*'], others = {}) {
      const reply = await ask('POST', 'webhooks', { url, events, ...others })
      expect(reply.status, reply.body).toBe(201)
      return reply.json as MadeWebhook
    },
    async makeSite(name, others = {}) {
      const reply = await ask('POST', 'sites', { name, ...others })
      expect(reply.status, reply.body).toBe(201)
      return (reply.json as { id: string }).id
    },
    settled: () =>
      vi.waitFor(
        async () => {
          const [waiting] = await platform.superuser.query(
            `select count(*)::int as n from plinth.events where delivered_at is null and parked_at is null`,
          )
          expect(waiting!['n']).toBe(0)
          const now = platform.clock.now().toISOString()
          expect((await rows(`status = 'pending' and next_at <= '${now}'`)).map((row) => row['log'])).toEqual([])
        },
        { timeout: 20_000, interval: 20 },
      ),
  }
}

/** Until it holds; on a busy machine that takes its time. */
export function until<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: 20_000, interval: 20 })
}

/** One round of what `webhooks()` removes. */
export async function sweepWebhooks({ plinth, database }: TestPlatform, now: Date): Promise<void> {
  const feature = plinth.registry.features.find(({ name }) => name === 'webhooks')!
  for (const one of feature.sweep!(now))
    await (typeof one === 'function' ? one((work) => database.system(work)) : database.systemStatement(one))
}
