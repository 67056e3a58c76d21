import { defineResource, platformTable } from '@plinth/core'
import { boolean, text, timestamp } from 'drizzle-orm/pg-core'
import { domainPattern, isOwnable } from './domain-name.ts'

export const domains = platformTable('domains', {
  domain: text().notNull(),
  token: text().notNull().default(''),
  autoJoin: boolean().notNull().default(false),
  verifiedAt: timestamp({ withTimezone: true }),
})

export const domainResource = defineResource({
  table: domains,
  name: 'domain',
  path: 'domains',
  description:
    'Mail domains of the tenant. Proven by the DNS, a domain lets people with such an address in, and lets the tenant change their accounts.',
  operations: { bulk: false },
  fields: {
    domain: {
      schema: (domain) =>
        domain
          .trim()
          .toLowerCase()
          .max(253)
          .regex(domainPattern, 'Expected a domain in ASCII, like example.com')
          .refine(isOwnable, 'This domain is nobody’s alone')
          .meta({ examples: ['acme.com', 'acme.co.uk', 'mail.acme.dev', 'acme.org', 'acme.io', 'eu.acme.net'] }),
      immutable: true,
      filter: true,
      sort: true,
    },
    token: { readOnly: true, description: 'The TXT record of `_plinth.{domain}` that proves it' },
    autoJoin: { description: 'Whether people whose verified address is in it join by themselves, as `user`' },
    verifiedAt: { readOnly: true, sort: true },
  },
})
