import {
  auditedByPlatform,
  problem,
  statement,
  type FeatureCommand,
  type Platform,
  type RawRow,
  type SystemTransaction,
} from '@plinth/core'

const options = {
  tenant: { type: 'string', description: 'its slug or id; without it, all' },
  type: { type: 'string', description: 'events of this type alone' },
  id: { type: 'string', description: 'one event' },
} as const

/** Events in one transaction. */
const AT_ONCE = 500

interface Which {
  readonly tenant: string | null
  readonly type: string | null
  readonly id: string | null
}

type Given = Parameters<FeatureCommand['run']>[1]

/** @throws not_found, validation_failed */
async function whichOf({ database }: Platform, given: Given): Promise<Which> {
  const text = (name: string): string | null => (given[name] === undefined ? null : String(given[name]))
  const [slug, type, id] = [text('tenant'), text('type'), text('id')]
  if (id !== null && !/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(id))
    throw problem('validation_failed', {
      errors: [{ path: '--id', code: 'invalid', message: 'Expected the id of an event' }],
    })
  const tenant = slug === null ? undefined : await database.findTenant(slug)
  if (slug !== null && !tenant) throw problem('not_found', { detail: `There is no tenant ${slug}.` })
  return { tenant: tenant?.id ?? null, type, id }
}

/** `plinth events:parked`, `events:redrive`, `events:discard`: what no attempt could deliver, and what becomes of it. */
export const parkedCommands: readonly FeatureCommand[] = [
  {
    name: 'events:parked',
    summary: 'list events that were set aside after many attempts, and why',
    options,
    async run(platform, given) {
      const { tenant, type, id } = await whichOf(platform, given)
      const rows = await platform.database.system(async (system) => {
        const found = await system.run(statement`
          select id, type, key, attempts, coalesce(last_error, '') as last_error, tenant_id from plinth.events
          where parked_at is not null and delivered_at is null
            and (${tenant}::text is null or tenant_id = ${tenant}::text::uuid) and (${type}::text is null or type = ${type}::text)
            and (${id}::text is null or id = ${id}::text::uuid)
          order by seq limit 1000`)
        await tellRead(platform, system, found)
        return found
      })
      return { events: rows.map(lineOf) }
    },
  },
  {
    name: 'events:redrive',
    summary: 'hand events that were set aside to the handlers that have not had them',
    options,
    async run(platform, given) {
      const { tenant, type, id } = await whichOf(platform, given)
      let redriven = 0
      // So many in one transaction, each with its entry. By their number, so that what is parked anew meanwhile is not begun again.
      for (let after: string | null = '0'; after !== null;) {
        const from: string = after
        const rows = await platform.database.system(async (system) => {
          const changed = await system.run(statement`
            update plinth.events set parked_at = null, attempts = 0, next_attempt_at = clock_timestamp()
            where (tenant_id, id) in (
              select tenant_id, id from plinth.events
              where parked_at is not null and delivered_at is null and seq > ${from}::text::bigint
                and (${tenant}::text is null or tenant_id = ${tenant}::text::uuid)
                and (${type}::text is null or type = ${type}::text) and (${id}::text is null or id = ${id}::text::uuid)
              order by seq limit ${AT_ONCE}::int for update)
            returning tenant_id, id, type, seq::text as seq`)
          for (const row of changed) await tell(platform, system, 'event.redrive', row)
          return changed
        })
        redriven += rows.length
        after = rows.reduce((most, { seq }) => (BigInt(String(seq)) > BigInt(most) ? String(seq) : most), from)
        if (rows.length < AT_ONCE) after = null
      }
      return { redriven }
    },
  },
  {
    name: 'events:discard',
    summary: 'give up one event that was set aside',
    options: { id: { ...options.id, required: true } },
    async run(platform, given) {
      const { id } = await whichOf(platform, given)
      const rows = await platform.database.system(async (system) => {
        const changed = await system.run(statement`
          update plinth.events set delivered_at = clock_timestamp()
          where parked_at is not null and delivered_at is null and id = ${id}::text::uuid
          returning tenant_id, id, type`)
        for (const row of changed) await tell(platform, system, 'event.discard', row)
        return changed
      })
      if (rows.length === 0) throw problem('not_found', { detail: 'There is no parked event of this id.' })
      return { discarded: rows.length }
    },
  },
]

/** Of one event, in the log of its tenant. */
function tell(platform: Platform, system: SystemTransaction, action: string, row: RawRow): Promise<void> {
  const detail = { type: String(row['type']) }
  return auditedByPlatform(system, platform, {
    action,
    target: String(row['id']),
    tenantId: String(row['tenant_id']),
    detail,
  })
}

/** Whoever runs it is in none of these tenants, and reads what happened in them: told to each, as all that the platform does there. */
async function tellRead(platform: Platform, system: SystemTransaction, rows: readonly RawRow[]): Promise<void> {
  for (const tenantId of new Set(rows.map((row) => String(row['tenant_id']))))
    await auditedByPlatform(system, platform, {
      action: 'system.access',
      tenantId,
      detail: { reason: 'events that were set aside' },
    })
}

function lineOf(row: RawRow): string {
  const text = (name: string): string => String(row[name])
  return `${text('id')} ${text('type')} ${text('key')} of ${text('tenant_id')}, ${text('attempts')} attempts: ${text('last_error')}`
}
