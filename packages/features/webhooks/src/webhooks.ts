import { type Feature, type NameLookup, type Platform, type StartupFault } from '@plinth/core'
import { webhookErrors } from './webhook-errors.ts'
import { databaseTime } from './database-time.ts'
import { webhookEvents } from './events.ts'
import { refuseUnheard } from './may-hear.ts'
import { webhooksMigration } from './migrations/0001-webhooks.ts'
import { observeWebhooks } from './observe.ts'
import { settle, type WebhooksOptions } from './options.ts'
import { putDeliveries } from './put-deliveries.ts'
import { webhookDelivery, webhookResource } from './resources.ts'
import { webhookRoutes } from './routes/webhook-routes.ts'
import { resealSecrets } from './secret/reseal-secrets.ts'
import { Sender, STOP_MS } from './send/sender.ts'
import { wayToReceivers } from './send/way.ts'
import { WebhookMetrics } from './send/webhook-metrics.ts'
import { sweepDeliveries, switchOffOverrun } from './sweep.ts'
import { webhookSecrets } from './tables.ts'
import { travels } from './travels.ts'

/** What a test puts in the place of the system. */
export interface WebhooksParts {
  /** Resolves names in the place of the system. */
  readonly lookup?: NameLookup
}

/**
 * Tells URLs of a tenant what happens in it: signed as Standard Webhooks say, tried for three days, at least once. One object belongs to
 * one platform.
 */
export function webhooks(options: WebhooksOptions = {}, { lookup }: WebhooksParts = {}): Feature {
  const faults: StartupFault[] = []
  const settings = settle(options, faults)
  const way = wayToReceivers(settings)
  let platform: Platform | undefined
  let sender: Sender | undefined
  const started = (): Platform => {
    if (!platform) throw new Error('webhooks() has not been started: createPlinth() does that')
    return platform
  }
  const poke = (): void => sender?.poke()
  return {
    name: 'webhooks',
    errors: webhookErrors,
    events: webhookEvents,
    resources: [
      webhookResource({
        catalog: () => started().registry.events,
        listed: () => started().settings.WEBHOOKS_ALLOW_HOSTS,
        refuseUnheard: (principal, events) => refuseUnheard(started().registry, principal, events),
      }),
      webhookDelivery,
    ],
    tables: [webhookSecrets],
    migrations: [webhooksMigration],
    travels,
    routes: ({ registry }) => webhookRoutes(registry, settings.mostOfTenant, poke),
    on: {
      '*': async (_context, event, handling) => {
        const made = await putDeliveries(handling, event, databaseTime(started()))
        if (made > 0) handling.afterCommit(poke)
      },
    },
    verify: () => faults,
    start(given) {
      platform = given
      sender = new Sender({ platform: given, settings, way, lookup, metrics: new WebhookMetrics(given) })
    },
    observe: (given) => observeWebhooks(given, way),
    background: () => sender?.start(),
    stop: async () => sender?.stop(),
    stopMs: STOP_MS,
    reseal: resealSecrets,
    sweep: (now) => [sweepDeliveries(started(), now, settings), switchOffOverrun(started(), settings)],
  }
}
