import { jsonAnswer, lockedRow, refuseQuery, statement, validate, type Call, type TextAnswer } from '@plinth/core'
import { z } from 'zod'
import { webhookSecretRotated } from '../events.ts'
import { refuseUnheard } from '../may-hear.ts'
import { keepSecret } from '../secret/keep-secret.ts'
import { makeSecret, openSecrets, OVERLAP_MS, rotated, sealSecrets } from '../secret/webhook-secret.ts'
import { webhooksOut } from '../tables.ts'

export const rotation = z
  .object({
    immediately: z
      .boolean()
      .default(false)
      .describe(
        'The secret is leaked: nothing is signed by it any more. Otherwise it signs beside the new one for a day',
      ),
  })
  .meta({ id: 'WebhookSecretRotation' })

export const rotatedSecret = z
  .object({
    id: z.uuid(),
    secret: z.string().describe('Shown this once'),
    formerEnds: z.iso.datetime().describe('Until when the secret before it signs as well'),
  })
  .meta({ id: 'RotatedWebhookSecret' })

export async function rotateSecret(call: Call): Promise<TextAnswer> {
  refuseQuery(call)
  const { platform, scope } = call
  const { secrets, registry } = platform
  const { immediately } = validate(rotation, call.body ?? {})
  const { tenantId, now } = scope
  return call.transactAsSystem(async (system, transaction) => {
    const row = await lockedRow(call, transaction, registry.byTable.get(webhooksOut)!)
    const place = { tenantId, id: String(row['id']) }
    // By it anything can be told to the receiver.
    refuseUnheard(registry, call.request.principal, JSON.parse(String(row['events'])) as readonly string[])
    const [stored] = await system.run(statement`
      select secret from plinth.webhook_secrets where tenant_id = ${tenantId}::uuid and id = ${place.id}::uuid`)
    const until = immediately ? undefined : new Date(now.getTime() + OVERLAP_MS)
    // One that arrived from another platform may have none.
    const kept = stored
      ? rotated(openSecrets(secrets, place, String(stored['secret'])), now, until)
      : { current: makeSecret(), former: [] }
    await keepSecret(system, place, sealSecrets(secrets, place, kept))
    await system.run(statement`
      update plinth.webhooks_out set version = version + 1, updated_at = ${now}::text::timestamptz
      where tenant_id = ${tenantId}::uuid and id = ${place.id}::uuid`)
    const formerEnds = (until ?? now).toISOString()
    await transaction.emit({
      type: webhookSecretRotated.type,
      key: `webhook:${place.id}`,
      data: { id: place.id, formerEnds },
      changes: { masked: ['secret'] },
    })
    const body = JSON.stringify({ id: place.id, secret: kept.current, formerEnds })
    return { ...jsonAnswer(200, body, { 'cache-control': 'no-store' }), once: place.id }
  })
}
