import { createHash, randomUUID } from 'node:crypto'
import { Readable, Writable } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { addMember, statement, type Feature, type Resource } from '@plinth/core'
import { auth } from '@plinth/auth'
import { rbac } from '@plinth/rbac'
import { webhooks } from '@plinth/webhooks'
import { tenants, type ExportOptions, type ExportReport, type ImportOptions, type ImportReport } from '@plinth/tenants'
import { capturedMail, depot, testPlatform, type TestPlatform, type TestPlatformOptions } from '@plinth/testing'
import { z } from 'zod'
import { tableOf } from '../../packages/testing/src/tenants/table-place.ts'
import { ES256, PUBLIC_URL } from '../identity/open-identity.ts'

/** A platform of everything that there is, over the depot, and its archives. */
export interface ArchivePlatform extends TestPlatform {
  /** Of tenant a, unless told otherwise. */
  export(options?: ExportOptions & { readonly tenant?: string }): Promise<Archive>
  import(archive: Uint8Array, options?: ImportOptions): Promise<ImportReport>
  readonly tenancy: ReturnType<typeof archiveTenancy>
  /** As the superuser. */
  stored(text: string, parameters?: readonly string[]): Promise<readonly Readonly<Record<string, unknown>>[]>
}

export interface Archive {
  readonly bytes: Buffer
  readonly lines: readonly string[]
  readonly report: ExportReport
}

export interface ArchiveOptions {
  readonly isolation?: TestPlatformOptions['isolation']
  readonly kind?: TestPlatformOptions['kind']
  readonly resources?: readonly Resource[]
  readonly features?: readonly Feature[]
  /** Word that the key ring is made of: another platform has another one. */
  readonly keys?: string
}

function archiveTenancy() {
  return tenants({
    settings: {
      theme: { schema: z.string(), default: 'light', scope: 'user' },
      hook: { schema: z.string(), default: '', scope: 'tenant', secret: true },
    },
    flags: { editor: { default: false } },
  })
}

export async function openArchive(options: ArchiveOptions = {}): Promise<ArchivePlatform> {
  const { keys = 'here' } = options
  const tenancy = archiveTenancy()
  const platform = await testPlatform({
    resources: options.resources ?? depot,
    features: [auth({ jwt: { keys: [ES256] } }), rbac(), tenancy, webhooks(), ...(options.features ?? [])],
    plinth: {
      mailer: capturedMail(),
      env: {
        ENVIRONMENT: 'test',
        PUBLIC_URL,
        SECRET_KEYS: `${keys}:${createHash('sha256').update(keys).digest('base64')}`,
      },
    },
    ...(options.isolation && { isolation: options.isolation }),
    ...(options.kind && { kind: options.kind }),
  })
  return {
    ...platform,
    tenancy,
    async export({ tenant = platform.a.slug, ...more } = {}) {
      const chunks: Buffer[] = []
      const destination = new Writable({ write: (chunk: Buffer, _, done) => (chunks.push(chunk), done()) })
      const report = await tenancy.archive.export(tenant, destination, more)
      const bytes = Buffer.concat(chunks)
      return { bytes, lines: linesOf(bytes), report }
    },
    import: (archive, more) => tenancy.archive.import(() => Readable.from([archive]), more),
    stored: (text, parameters = []) => platform.superuser.query(text, [...parameters]),
  }
}

export function linesOf(bytes: Uint8Array): readonly string[] {
  return gunzipSync(bytes).toString('utf8').split('\n')
}

/** Without the line that says when and by whom it was made. */
export function contentOf({ lines }: Archive): string {
  return lines.filter((_, at) => at !== 1).join('\n')
}

/** Takes tenant a away, as if it had never been here: what arrives may have its id and slug. */
export async function clear({ a, isolation, superuser }: ArchivePlatform): Promise<void> {
  await superuser.query('delete from plinth.tenants where id = $1::uuid', [a.id])
  if (isolation === 'schema') await superuser.query(`drop schema "tenant_${a.id.replaceAll('-', '')}" cascade`)
}

/** `"public"."agents" set "service_account_id"`: where rows of the product refer to a service account. */
function serviceColumns({ a, isolation, plinth: { registry } }: ArchivePlatform): readonly string[] {
  return registry.resources.flatMap((resource) =>
    resource.fields
      .filter(
        ({ reference, platform }) =>
          !platform && reference && registry.byTable.get(reference.to())?.name === 'serviceAccount',
      )
      .map(({ sqlName }) => `${tableOf(resource, a.id, isolation)} set "${sqlName}"`),
  )
}

/** Random rows of the product in tenant a, and a house full of people: what a tenant has who has used everything. */
export async function furnish(platform: ArchivePlatform, seed = 'archive', rows = 6): Promise<void> {
  const { a, superuser } = platform
  await platform.twoTenants({ seed, rows })
  // What was made up of people refers to nobody.
  await superuser.transaction(async (connection) => {
    await connection.query('set local session_replication_role = replica')
    for (const table of ['memberships', 'user_roles', 'groups', 'group_members', 'invitations', 'domains', 'roles'])
      await connection.query(`delete from plinth.${table}`)
    // What a product has of services refers to those that stay.
    for (const place of serviceColumns(platform)) await connection.query(`update ${place} = null`)
    for (const table of [
      'acl_entries',
      'permissions',
      'role_permissions',
      'service_accounts',
      'api_keys',
      'sessions',
      'webhooks_out',
      'webhook_deliveries',
    ])
      await connection.query(`delete from plinth.${table}`)
  })
  const people = Array.from({ length: 5 }, (_, at) => ({ id: randomUUID(), email: `${seed}-${at}@example.test` }))
  const [groups, services] = [[randomUUID(), randomUUID()], [randomUUID()]]
  await superuser.query(
    `insert into plinth.roles (tenant_id, id, name, permissions) values ($1::uuid, $2::uuid, 'packer', '["crate:read", "crate:update:own"]')`,
    [a.id, randomUUID()],
  )
  await platform.database.system(async (system) => {
    for (const [at, { id, email }] of people.entries()) {
      await system.run(statement`
        insert into plinth.users (id, email, username, name, email_verified_at)
        values (${id}::uuid, ${email}::text, ${at === 1 ? `person-${seed}` : null}::text, ${`Person ${at} ≠ "x"`}::text,
          case when ${at !== 2}::boolean then '2024-02-03T04:05:06.789012Z'::timestamptz end)`)
      await addMember(system, { tenantId: a.id, userId: id, roles: at === 0 ? ['owner', 'admin'] : ['user', 'packer'] })
    }
    for (const [at, id] of groups.entries())
      await system.run(statement`
        insert into plinth.groups (tenant_id, id, name) values (${a.id}::uuid, ${id}::uuid, ${`Group ${at}`}::text)`)
    await system.run(statement`
      insert into plinth.group_members (tenant_id, group_id, user_id)
      values (${a.id}::uuid, ${groups[0]!}::uuid, ${people[1]!.id}::uuid), (${a.id}::uuid, ${groups[1]!}::uuid, ${people[2]!.id}::uuid)`)
    await system.run(statement`
      insert into plinth.settings (tenant_id, kind, key, user_id, value) values
        (${a.id}::uuid, 'setting', 'theme', null, '"dark"'), (${a.id}::uuid, 'setting', 'theme', ${people[1]!.id}::uuid, '"loud"'),
        (${a.id}::uuid, 'flag', 'editor', null, 'true')`)
    await system.run(statement`
      insert into plinth.invitations (tenant_id, id, owner_user_id, email, roles, token_hash, expires_at)
      values (${a.id}::uuid, ${randomUUID()}::uuid, ${people[0]!.id}::uuid, 'guest@example.test', '["user"]',
        ${'f'.repeat(64)}::text, now() + interval '7 days')`)
    await system.run(statement`
      insert into plinth.service_accounts (tenant_id, id, name, created_at, updated_at)
      values (${a.id}::uuid, ${services[0]!}::uuid, 'crane', now(), now())`)
    await system.run(statement`
      insert into plinth.user_roles (tenant_id, group_id, service_account_id, role)
      values (${a.id}::uuid, ${groups[0]!}::uuid, null, 'packer'), (${a.id}::uuid, null, ${services[0]!}::uuid, 'developer')`)
    await system.run(statement`
      insert into plinth.webhooks_out (tenant_id, id, url, events)
      values (${a.id}::uuid, ${randomUUID()}::uuid, 'https://hooks.example.com/acme', '["crate.*"]')`)
    await system.run(statement`
      insert into plinth.domains (tenant_id, id, domain, auto_join, verified_at)
      values (${a.id}::uuid, ${randomUUID()}::uuid, 'acme.example', true, now())`)
    await system.run(statement`
      insert into plinth.acl_entries (tenant_id, id, model, action, record_id, subject_kind, subject_id, effect) values
        (${a.id}::uuid, ${randomUUID()}::uuid, 'crate', 'read', null, 'user', ${people[3]!.id}::text, 'allow'),
        (${a.id}::uuid, ${randomUUID()}::uuid, 'crate', '*', ${randomUUID()}::text, 'role', 'packer', 'deny')`)
    await system.run(
      statement`update plinth.tenants set plan = 'pro', require_mfa = false, version = 7 where id = ${a.id}::uuid`,
    )
  })
  // Tables of the product may refer to those of the platform, which then have to arrive before them.
  for (const place of serviceColumns(platform))
    await superuser.query(`update ${place} = $1::uuid where tenant_id = $2::uuid`, [services[0]!, a.id])
}
