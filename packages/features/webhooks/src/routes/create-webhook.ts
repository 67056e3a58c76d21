import {
  inputSchemas,
  jsonAnswer,
  problem,
  refuseNarrow,
  refuseQuery,
  rowPrinter,
  statement,
  validate,
  type Call,
  type Draft,
  type Registry,
  type TextAnswer,
} from '@plinth/core'
import { randomUUID } from 'node:crypto'
import type { z } from 'zod'
import { webhookCreated } from '../events.ts'
import { refuseUnheard } from '../may-hear.ts'
import { keepSecret } from '../secret/keep-secret.ts'
import { makeSecret, sealSecrets } from '../secret/webhook-secret.ts'
import { webhooksOut } from '../tables.ts'
import { refuseUrl } from '../url/url-rule.ts'

/** What `POST /webhooks` takes: what a change may change. It is the tenant's, and no group's, until somebody says so. */
export function newWebhook(registry: Registry): z.ZodObject {
  const { whole } = inputSchemas(registry.byTable.get(webhooksOut)!)
  return whole.omit({ ownerGroupId: true }).meta({ id: 'NewWebhook' })
}

/** @throws validation_failed, url_not_allowed, permission_denied, conflict where there are as many as may be */
export async function createWebhook(call: Call, mostOfTenant: number): Promise<TextAnswer> {
  refuseQuery(call)
  // They belong to the tenant: of own ones there are none to begin with.
  refuseNarrow(call)
  const { platform, request, scope } = call
  const { registry, secrets, settings } = platform
  const {
    url,
    events,
    description = null,
    active = true,
  } = validate(newWebhook(registry), call.body) as unknown as Draft<typeof webhooksOut>
  refuseUrl(url, settings.WEBHOOKS_ALLOW_HOSTS)
  refuseUnheard(registry, request.principal, events)
  const { tenantId, now } = scope
  return call.transactAsSystem(async (system, transaction) => {
    // Two that come at once are counted one after the other.
    await transaction.hold('webhooks', 'alone')
    const id = randomUUID()
    const secret = makeSecret()
    const sealed = sealSecrets(secrets, { tenantId, id }, { current: secret, former: [] })
    const [made] = await system.run(statement`
      insert into plinth.webhooks_out (tenant_id, id, created_at, updated_at, url, description, events, active)
      select ${tenantId}::uuid, ${id}::uuid, ${now}::text::timestamptz, ${now}::text::timestamptz, ${url}::text,
        ${description}::text, ${JSON.stringify(events)}::text::jsonb, ${active}::boolean
      where (select count(*) from plinth.webhooks_out where tenant_id = ${tenantId}::uuid) < ${mostOfTenant}::int
      returning id`)
    if (!made) throw problem('conflict', { detail: `${mostOfTenant} webhooks are the most. Delete one first.` })
    await keepSecret(system, { tenantId, id }, sealed)
    await transaction.emit({
      type: webhookCreated.type,
      key: `webhook:${id}`,
      data: { id, url, events, active },
      changes: { after: { url, events, description, active }, masked: ['secret'] },
    })
    const resource = registry.byTable.get(webhooksOut)!
    const row = await transaction.read({ resource, id, visible: call.visible })
    if (!row) throw new Error('the webhook is not there')
    const printer = rowPrinter(resource)
    const shown = JSON.parse(printer.print(row)) as object
    const headers = {
      'cache-control': 'no-store',
      location: `${platform.basePath}/api/v1/webhooks/${id}`,
      etag: printer.etag(row),
    }
    return { ...jsonAnswer(201, JSON.stringify({ ...shown, secret }), headers), once: id }
  })
}
