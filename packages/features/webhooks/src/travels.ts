import type { Travels } from '@plinth/core'
import { secretContext } from './secret/webhook-secret.ts'
import { faultOfUrl } from './url/url-rule.ts'

/** Webhooks go along, with their secrets where there is a passphrase: whoever receives need not be told that they moved. */
export const travels: Travels = {
  'plinth.webhooks_out': {
    leaves: ['failing_since', 'paused_until'],
    refuses: ({ settings }, { url }) => {
      const fault = faultOfUrl(url ?? '', settings.WEBHOOKS_ALLOW_HOSTS)
      return fault === undefined ? undefined : `url: ${fault}`
    },
  },
  // Without a passphrase they stay behind, and nothing is sent until the secret is rotated.
  'plinth.webhook_secrets': {
    sealed: { column: 'secret', context: (tenantId, { id }) => secretContext(tenantId, id ?? '') },
  },
  'plinth.webhook_deliveries': { stays: 'what was sent from the platform on which it happened' },
}
