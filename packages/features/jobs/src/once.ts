import { problem, statement, type EnqueueParts } from '@plinth/core'

/**
 * The first that uses the key has the row, and whoever comes meanwhile waits at its unique key until that transaction has ended: then
 * there is a result, or nobody's row.
 */
export async function once<T>({ transaction, scope }: EnqueueParts, key: string, work: () => Promise<T>): Promise<T> {
  if (!/^[\x20-\x7e]{1,200}$/.test(key))
    throw problem('validation_failed', { detail: 'The key is 1 to 200 printable characters.' })
  const [mine] = await transaction.run(statement`
    insert into plinth.kept_results (tenant_id, key, created_at)
    values (${scope.tenantId}::uuid, ${key}::text, ${scope.now}::text::timestamptz)
    on conflict do nothing returning key`)
  if (!mine) {
    const [kept] = await transaction.run(statement`
      select result from plinth.kept_results where tenant_id = ${scope.tenantId}::uuid and key = ${key}::text`)
    if (typeof kept?.['result'] === 'string') return JSON.parse(kept['result']) as T
  }
  const result = await work()
  const text = JSON.stringify(result ?? null)
  await transaction.run(statement`
    update plinth.kept_results set result = ${text}::text::jsonb
    where tenant_id = ${scope.tenantId}::uuid and key = ${key}::text`)
  return result
}
