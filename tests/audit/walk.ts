import { audit, type AuditFeature } from '@plinth/audit'
import { defineJob } from '@plinth/core'
import { events } from '@plinth/events'
import { jobs } from '@plinth/jobs'
import type { TestReply } from '@plinth/testing'
import { webhooks } from '@plinth/webhooks'
import { openIdentity, type Identity } from '../identity/open-identity.ts'
import { z } from 'zod'

/** What the walk asks for; nobody runs it. */
const tidy = defineJob({ name: 'folder.tidy', input: z.object({}), requested: true, run: () => Promise.resolve() })

/** A platform of every feature that changes something, and what the log says of each request. */
export interface Walk {
  readonly platform: Identity
  readonly feature: AuditFeature
  /** Operation ids that were asked for, and what each request left in the log: `document.moved success`. */
  readonly left: ReadonlyMap<string, readonly string[]>
  /** Sends a request under an id of its own, and keeps what it left. */
  readonly go: (
    operationId: string,
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<TestReply>
  /** The DNS as it is now: host → TXT. */
  readonly dns: Map<string, string>
}

export async function openWalk(): Promise<Walk> {
  const feature = audit()
  const dns = new Map<string, string>()
  const platform = await openIdentity({
    features: [feature, jobs({ workers: 'apart' }), events(), webhooks()],
    plinth: { jobs: [tidy] },
    tenants: {
      settings: {
        'mail.footer': { schema: z.string().max(200), default: '', scope: 'tenant' },
        'mail.password': { schema: z.string().max(200), default: '', scope: 'tenant', secret: true },
        'site.banner': { schema: z.string().max(200), default: '', scope: 'platform' },
        signature: { schema: z.string().max(200), default: '', scope: 'user' },
      },
      flags: { 'new-editor': { default: false, scope: 'tenant' }, billing: { default: false } },
      resolveTxt: (host) => Promise.resolve(dns.has(host) ? [[dns.get(host)!]] : []),
    },
  })
  const left = new Map<string, readonly string[]>()
  let asked = 0
  return {
    platform,
    feature,
    left,
    dns,
    async go(operationId, method, path, body, headers = {}) {
      const requestId = `walk-${(asked += 1)}-${operationId}`
      const reply = await platform.call(method, path, body, { ...headers, 'x-request-id': requestId })
      if (reply.status < 200 || reply.status > 299)
        throw new Error(`${operationId} answered ${reply.status}: ${reply.body}`)
      await feature.seal()
      const rows = await platform.superuser.query(
        `select action, outcome from plinth.audit_logs where request_id = $1::text order by tenant_id, seq`,
        [requestId],
      )
      left.set(operationId, [
        ...(left.get(operationId) ?? []),
        rows.map((row) => `${String(row['action'])} ${String(row['outcome'])}`).join(', '),
      ])
      return reply
    },
  }
}
