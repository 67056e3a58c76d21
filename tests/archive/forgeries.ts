import { randomUUID } from 'node:crypto'
import type { Forged } from './forge-archive.ts'

/** What an archive says to get more than its own tenant, and the words with which it is refused. */
export interface Forgery {
  readonly name: string
  readonly change: (archive: Forged) => void
  readonly words: RegExp
}

const id = randomUUID()
const never = /which this platform does not take/

const table = (name: string, row: Readonly<Record<string, string>>): Forgery => ({
  name: `rows of ${name}`,
  change: (archive) => archive.addTable(name, row),
  words: never,
})
const column = (of: string, name: string, value: string, words: RegExp): Forgery => ({
  name: `a column ${of}.${name}`,
  change: (archive) => archive.addColumn(of, name, value),
  words,
})
const value = (of: string, name: string, forged: unknown, words: RegExp): Forgery => ({
  name: `${of}.${name} is ${String(JSON.stringify(forged)).slice(0, 40)}`,
  change: (archive) => archive.set(of, name, forged),
  words,
})
const head = (member: string, forged: unknown, words: RegExp): Forgery => ({
  name: `the tenant's ${member} is ${JSON.stringify(forged).slice(0, 40)}`,
  change: (archive) => void (archive.head.tenant[member] = forged),
  words,
})

/** An entry of the ACL about one row. */
const entry = (action: string, recordId: string, words: RegExp): Forgery => ({
  name: `plinth.acl_entries about ${action} of ${recordId}`,
  change(archive) {
    archive.set('plinth.acl_entries', 'action', action)
    archive.set('plinth.acl_entries', 'record_id', recordId)
  },
  words,
})

const others = /other columns than users have/
const gone = /which is not here/
const stays = /which stays where it is/
const rows = /^crates, rows 1 to \d+: /
const noRow = /no row of \d+ texts/

/** @param other a tenant of the platform that the archive is brought to */
export function forgeries(other: { readonly id: string; readonly slug: string }): readonly Forgery[] {
  return [
    table('plinth.passwords', { user_id: id, hash: '$argon2id$' }),
    table('plinth.sessions', { id, owner_user_id: id, token_hash: 'x' }),
    table('plinth.api_keys', { id, owner_user_id: id, role: 'owner' }),
    table('plinth.api_key_secrets', { key_hash: 'x', key_id: id }),
    table('plinth.tenants', { id, slug: 'mine' }),
    table('plinth.platform_settings', { kind: 'setting', key: 'theme', value: '1' }),
    table('plinth.migrations', { feature: 'x', id: 'y' }),
    table('plinth.events', { id, type: 'tenant.deleted' }),
    table('plinth.rate_limits', { scope: 'tenant', max_requests: '1000000000' }),
    table('plinth.role_permissions', { role_id: id, model: '*' }),
    table('plinth.verified_domains', { domain: 'victim.example', domain_id: id }),
    table('pg_catalog.pg_authid', { rolname: 'plinth_app' }),
    table('crates"; drop table plinth.users; --', { id }),
    table('../../etc/passwd', { id }),
    table('__proto__', { id }),
    table(`tenant_${'0'.repeat(32)}.crates`, { id }),
    table('public.crates', { id }),
    column('crates', 'tenant_id', other.id, gone),
    column('crates', 'title) select 1; --', 'x', gone),
    column('crates', '__proto__', 'x', gone),
    column('crates', 'xmin', '1', gone),
    column('crates', 'title', 'x', /crates has a column twice/),
    column('plinth.users', 'superadmin', 'true', others),
    column('plinth.users', 'hash', '$argon2id$', others),
    column('plinth.invitations', 'token_hash', 'f'.repeat(64), stays),
    column('plinth.domains', 'verified_at', '2026-01-01 00:00:00+00', stays),
    column('plinth.domains', 'auto_join', 'true', stays),
    column('plinth.roles', 'built_in', 'true', stays),
    column('plinth.memberships', 'roles', '["owner"]', stays),
    value('plinth.roles', 'name', 'owner', /the role owner is built in/),
    value('plinth.roles', 'name', 'Packer Ä', /is no name of a role/),
    value('plinth.roles', 'permissions', '["crane:fly"]', /There is no model 'crane'/),
    value('plinth.roles', 'permissions', '{"a":1', /no list/),
    value('plinth.roles', 'permissions', '[7]', /no texts/),
    value('plinth.user_roles', 'role', 'ghost', /roles that are not here: ghost/),
    value('plinth.user_roles', 'user_id', id, /names a user who is not among those of the archive/),
    value('plinth.group_members', 'user_id', id, /names a user who is not among those of the archive/),
    value('plinth.acl_entries', 'model', 'crane', /there is no permission crane:/),
    ...['x', '42', '', ' ', id.toUpperCase(), `{${id}}`, `${id}'`].map((recordId) =>
      value('plinth.acl_entries', 'record_id', recordId, /record_id is no id of a row of crate/),
    ),
    entry('create', id, /nothing is said of one row and create/),
    column('plinth.acl_entries', 'everything', 'true', gone),
    value('plinth.users', 'id', 'x', /has no id/),
    value('plinth.users', 'name', null, /has no id, or no name/),
    value('plinth.users', 'status', 'closed', /neither active nor suspended/),
    value('plinth.users', 'email', 'ｖictim@example.test', /address of the user .* is none/),
    value('plinth.users', 'username', 'victim@example.test', /user name of the user .* is none/),
    value('plinth.users', 'email_verified_at', 'infinity', /was verified at no time/),
    value('plinth.users', 'email_verified_at', '2026-02-31 00:00:00+00', /was verified at no time/),
    value('plinth.users', 'name', 'x'.repeat(201), /name of the user .* is longer than 200 characters/),
    head('slug', id, /./),
    head('slug', 'ACME', /./),
    head('slug', 'login', /login means something else as a host name/),
    head('slug', other.slug, /There is a tenant beta-hosting/),
    head('id', other.id, /is on this platform, as beta-hosting/),
    head('id', '../x', /tenant\.id: /),
    head('superadmin', true, /tenant: /),
    head('status', 'root', /tenant\.status: /),
    head('createdAt', 'infinity', /tenant\.createdAt: /),
    head('createdAt', '2026-02-31 00:00:00+00', /tenant\.createdAt: /),
    head('updatedAt', '2026-01-01T25:00:00Z', /tenant\.updatedAt: /),
    head('name', 'x'.repeat(201), /tenant\.name: /),
    head('name', ' ', /tenant\.name: /),
    value('crates', 'due_at', 'infinity', /no time that can be shown/),
    value('crates', 'day', '0044-03-15 BC', /no time that can be shown/),
    value('crates', 'price', 'NaN', /is no number/),
    value('crates', 'ratio', '-Infinity', /is no number/),
    value('crates', 'label', 'x'.repeat(81), rows),
    value('crates', 'mood', 'wild', rows),
    value('crates', 'pieces', '99999999999', rows),
    value('crates', 'facts', '{"a":', rows),
    value('crates', 'title', null, rows),
    value('crates', 'created_at', '2026-02-31 00:00:00+00', rows),
    value('documents', 'folder_id', id, /^documents, rows 1 to /),
    value('folders', 'parent_id', id, /^folders, rows that point at others: /),
    value('crates', 'title', 7, noRow),
    value('crates', 'title', ['x'], noRow),
    value('crates', 'title', 'a\0b', noRow),
    value('crates', 'title', 'a\ud800', noRow),
    ...structure,
  ]
}

const structure: readonly Forgery[] = [
  {
    name: 'a row twice',
    change: (archive) => void archive.of('crates').rows.push(archive.of('crates').rows[0]!),
    words: rows,
  },
  { name: 'a row that is too short', change: (archive) => void archive.of('crates').rows[0]!.pop(), words: noRow },
  {
    name: 'a table twice',
    change: (archive) => void archive.tables.push(archive.of('crates')),
    words: /has crates twice/,
  },
  {
    name: 'a number that uses all numbers up',
    change(archive) {
      const { columns, rows: all } = archive.of('manifests')
      all.push(all[0]!.map((one, at) => (columns[at]![0] === 'id' ? '2147483647' : one)))
    },
    words: /too large a number/,
  },
  {
    name: 'a user twice',
    change: (archive) => void archive.of('plinth.users').rows.push(archive.of('plinth.users').rows[0]!),
    words: /twice/,
  },
  {
    name: 'users behind their memberships',
    change: (archive) => void archive.tables.push(archive.tables.shift()!),
    words: /names a user who is not among those/,
  },
  {
    name: 'no people at all',
    change: (archive) => void archive.tables.shift(),
    words: /names a user who is not among those/,
  },
  { name: 'another format', change: (archive) => void (archive.head['format'] = 2), words: /another format/ },
  {
    name: 'a verified user without an address',
    change(archive) {
      archive.set('plinth.users', 'email_verified_at', '2026-01-01 00:00:00+00')
      archive.set('plinth.users', 'email', null)
    },
    words: /no address that could be verified/,
  },
]
