import { defineEvent } from '@plinth/core'
import { z } from 'zod'

const id = z.string()
const one = z.object({ id })
const member = z.object({ id, status: z.enum(['active', 'suspended']), roles: z.array(z.string()) })
const keys = z.array(z.string()).describe('Which were said anew; what is said now, reading tells')
const changed = z.object({
  id,
  slug: z.string(),
  from: z.string().describe('The status before'),
  to: z.string(),
  deleteAfter: z.iso.datetime().optional().describe('When the tenant will be gone'),
})

/** What this feature tells of by hand: members, tenants and what is said of them are written by statements of its own. */
export const tenancyEvents = [
  defineEvent('user.created', { schema: member, description: 'Somebody came into the tenant.' }),
  defineEvent('user.updated', { schema: member, description: 'A member was changed.' }),
  defineEvent('user.deleted', { schema: one, description: 'A member left the tenant.' }),
  defineEvent('user.suspended', { schema: one, description: 'The operator suspended the account of a member.' }),
  defineEvent('user.reactivated', { schema: one, description: 'The operator gave a member his account back.' }),
  defineEvent('invitation.created', {
    schema: z.object({ id, roles: z.array(z.string()) }),
    description: 'Somebody was asked into the tenant.',
  }),
  defineEvent('invitation.deleted', { schema: one, description: 'An invitation was revoked.' }),
  defineEvent('group.members_changed', {
    schema: one.extend({
      added: z.array(z.string()).optional().describe('Ids of users who came in; not in events of earlier releases'),
      removed: z.array(z.string()).optional().describe('Ids of users who left'),
    }),
    description: 'Somebody came into a group, or left it.',
  }),
  defineEvent('domain.verified', {
    schema: z.object({ id, domain: z.string() }),
    description: 'The tenant proved that a domain is its own.',
  }),
  defineEvent('setting.updated', {
    schema: z.object({ keys, layer: z.string() }),
    description: 'Settings were changed.',
  }),
  defineEvent('featureFlag.updated', {
    schema: z.object({ keys }),
    description: 'Flags were switched for the tenant.',
  }),
  defineEvent('tenant.created', {
    schema: z.object({ id, slug: z.string(), founder: z.string().nullable() }),
    description: 'The tenant was founded.',
  }),
  defineEvent('tenant.imported', {
    schema: z.object({ id, slug: z.string(), from: z.string().describe('Its id where it came from') }),
    description: 'The tenant came from another platform.',
  }),
  defineEvent('tenant.updated', {
    schema: z.object({ id, changed: z.array(z.string()) }),
    description: 'The tenant was changed; the data names the fields.',
  }),
  defineEvent('tenant.suspended', { schema: changed, description: 'The tenant may be read and not changed.' }),
  defineEvent('tenant.closed', { schema: changed, description: 'The tenant may not even be read.' }),
  defineEvent('tenant.reactivated', { schema: changed, description: 'The tenant works again.' }),
  defineEvent('tenant.deletion_requested', { schema: changed, description: 'The tenant is closed and will be gone.' }),
  defineEvent('tenant.deleted', {
    schema: z.object({ id, slug: z.string() }),
    description: 'The time of grace is over: the rows of the tenant go now.',
  }),
]
