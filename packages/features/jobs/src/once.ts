import { givenTime, problem, statement, type EnqueueParts, type Platform } from '@plinth/core'
import { AsyncLocalStorage } from 'node:async_hooks'

/** What of each transaction uses a key at this moment. */
const using = new WeakMap<object, Map<string, Promise<unknown>>>()
/** Within the work of which keys of its transaction this is. */
const within = new AsyncLocalStorage<{ readonly transaction: object; readonly keys: ReadonlySet<string> }>()

/**
 * The first that uses the key has the row, and whoever comes meanwhile waits at its unique key until that transaction has ended: then
 * there is a result, or nobody's row, or one without a result, where the work failed and its transaction went on all the same. That one
 * is locked before anybody works: of many that find it so, one works and the others wait for what it comes to.
 *
 * A row keeps nobody of its own transaction out: who uses a key there at the same time goes one after the other here.
 */
export async function once<T>(
  clock: Pick<Platform, 'clock'>,
  parts: EnqueueParts,
  key: string,
  work: () => Promise<T>,
): Promise<T> {
  if (!/^[\x20-\x7e]{1,200}$/.test(key))
    throw problem('validation_failed', { detail: 'The key is 1 to 200 printable characters.' })
  const outer = within.getStore()
  const inside = outer?.transaction === parts.transaction ? outer.keys : new Set<string>()
  if (inside.has(key)) throw new Error(`ctx.once('${key}') within its own work would wait for itself for ever`)
  const keys = using.get(parts.transaction) ?? new Map<string, Promise<unknown>>()
  using.set(parts.transaction, keys)
  const before = keys.get(key)
  const working = { transaction: parts.transaction, keys: new Set([...inside, key]) }
  const mine = (before ?? Promise.resolve())
    .catch(() => undefined)
    .then(() => keptOrMade(clock, parts, key, () => within.run(working, work)))
  keys.set(key, mine)
  return mine
}

async function keptOrMade<T>(
  clock: Pick<Platform, 'clock'>,
  parts: EnqueueParts,
  key: string,
  work: () => Promise<T>,
): Promise<T> {
  const { transaction, scope } = parts
  const kept = await keep(givenTime(clock), parts, key)
  if (kept !== undefined) return JSON.parse(kept) as T
  const result = await work()
  const text = JSON.stringify(result ?? null)
  await transaction.run(statement`
    update plinth.kept_results set result = ${text}::text::jsonb
    where tenant_id = ${scope.tenantId}::uuid and key = ${key}::text`)
  return result
}

/** The result that is kept; undefined where the row is this transaction's now, and nobody else works until that has ended. */
async function keep(now: Date | null, { transaction, scope }: EnqueueParts, key: string): Promise<string | undefined> {
  // Again where the row was there and is gone when it is looked for: it was swept.
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const [mine] = await transaction.run(statement`
      insert into plinth.kept_results (tenant_id, key, created_at)
      values (${scope.tenantId}::uuid, ${key}::text, coalesce(${now}::text::timestamptz, statement_timestamp()))
      on conflict do nothing returning key`)
    if (mine) return undefined
    // Without a lock: who finds a result holds up nobody, and none that is kept changes any more.
    const [kept] = await transaction.run(statement`
      select result from plinth.kept_results where tenant_id = ${scope.tenantId}::uuid and key = ${key}::text`)
    if (typeof kept?.['result'] === 'string') return kept['result']
    const [locked] = await transaction.run(statement`
      select result from plinth.kept_results where tenant_id = ${scope.tenantId}::uuid and key = ${key}::text for update`)
    if (typeof locked?.['result'] === 'string') return locked['result']
    if (locked) return undefined
  }
  throw problem('conflict', { detail: 'What was kept under this key is forgotten at this moment. Ask again.' })
}
