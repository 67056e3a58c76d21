import { statement, storedText, type AuditDraft, type StatementRunner } from '@plinth/core'
import { PLATFORM } from './entry/chained-entry.ts'

/** Of what somebody named in a path: it may be longer than any id, and hold what PostgreSQL does not take. */
const MOST_OF_A_TARGET = 500

/** Puts an entry into the inbox, in the transaction of the caller. */
export async function writeEntry(runner: StatementRunner, draft: AuditDraft, repeated = 1): Promise<void> {
  const { actor, action, requestId, time, client, outcome = 'success', changes = {} } = draft
  const target = draft.target == null ? null : storedText(draft.target, MOST_OF_A_TARGET)
  const json = (value: unknown): string | null => (value === undefined ? null : JSON.stringify(value))
  await runner.run(statement`
    insert into plinth.audit_inbox (tenant_id, occurred_at, actor_kind, actor_id, on_behalf_of, action, target, outcome, request_id,
      repeated, before, after, masked, personal, detail, address, user_agent)
    values (${draft.tenantId ?? PLATFORM}::uuid, ${time}::text::timestamptz, ${actor.kind}::text, ${actor.id}::text,
      ${draft.onBehalfOf ?? null}::text, ${action}::text, ${target}::text, ${outcome}::text, ${requestId}::text,
      ${repeated}::int, ${json(changes.before)}::text::jsonb, ${json(changes.after)}::text::jsonb, ${json(changes.masked)}::text::jsonb,
      ${json(changes.personal)}::text::jsonb, ${json(draft.detail)}::text::jsonb, ${client?.address ?? null}::text,
      ${client?.userAgent ?? null}::text)`)
}
