import { generateKeyPairSync } from 'node:crypto'
import { apiDocs } from '@plinth/api-docs'
import { audit } from '@plinth/audit'
import { auth } from '@plinth/auth'
import { serviceTokens, type Feature } from '@plinth/core'
import { events } from '@plinth/events'
import { jobs } from '@plinth/jobs'
import { rbac } from '@plinth/rbac'
import { tenants } from '@plinth/tenants'
import { testJournal } from '@plinth/testing'
import { webhooks } from '@plinth/webhooks'

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
export const SERVICE_TOKEN = 'a-service-that-reads-all-of-acme-xxxxxxxx'

/** Every feature that there is, made anew: one object belongs to one platform. A feature that lands has its line here. */
export function landedFeatures(): readonly Feature[] {
  return [
    apiDocs(),
    audit(),
    auth({ jwt: { keys: [privateKey] } }),
    events(),
    jobs(),
    rbac(),
    serviceTokens([{ name: 'reader', token: SERVICE_TOKEN, tenant: 'acme', permissions: ['*:read'] }]),
    tenants(),
    testJournal({ listen: () => undefined }),
    webhooks(),
  ]
}
