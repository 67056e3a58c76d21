import { statement, type Context, type Platform, type Transaction } from '@plinth/core'
import { databaseTime } from '../database-time.ts'
import { webhookDisabled } from '../events.ts'
import { webhookLogEvents } from '../log-events.ts'

/** Why the platform switches a webhook off. */
export type SwitchedOff = 'gone' | 'failing' | 'overrun'

export interface SwitchOff {
  readonly ctx: Context
  readonly transaction: Transaction
  readonly webhookId: string
  readonly reason: SwitchedOff
}

/** Nothing more is sent to it, and nothing more waits for it, until somebody switches it on again. One that is off already stays as it is. */
export async function switchOff(platform: Platform, { ctx, transaction, webhookId, reason }: SwitchOff): Promise<void> {
  const at = databaseTime(platform)
  const [off] = await transaction.run(statement`
    update plinth.webhooks_out w
    set active = false, disabled_at = ${at}, disabled_reason = ${reason}::text, version = w.version + 1, updated_at = ${at}
    where w.tenant_id = ${ctx.tenant.id}::uuid and w.id = ${webhookId}::uuid and w.active returning w.id`)
  if (!off) return
  await ctx.emit(webhookDisabled, `webhook:${webhookId}`, { id: webhookId, reason })
  platform.log.warn(webhookLogEvents.disabled, { webhook: webhookId, reason, requestId: ctx.requestId })
}
