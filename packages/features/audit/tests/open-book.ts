import { audit, type AuditFeature } from '@plinth/audit'
import type { Feature, Platform } from '@plinth/core'
import { depot, testPlatform, type TestPlatform, type TestPlatformOptions } from '@plinth/testing'

export interface Book {
  readonly platform: TestPlatform
  readonly feature: AuditFeature
  /** The entries of a tenant as they are stored, after everything was sealed. */
  entries(tenantId?: string): Promise<readonly StoredEntry[]>
  /** What waits in the inbox, and what is in the book: how many. */
  count(): Promise<number>
  /** Runs `plinth <name>` with these options. */
  command(name: string, options?: Readonly<Record<string, string>>): Promise<Readonly<Record<string, unknown>>>
  /** What features see of the platform. */
  readonly inner: Platform
  close(): Promise<void>
}

export type StoredEntry = Readonly<Record<string, unknown>> & {
  readonly seq: number
  readonly action: string
  readonly changes: Readonly<Record<string, unknown>> | null
  readonly detail: Readonly<Record<string, unknown>> | null
}

/** The depot with a log. */
export async function openBook(options: Partial<TestPlatformOptions> = {}): Promise<Book> {
  // The template is migrated by another object; the last one made is that of the platform.
  const feature = audit()
  const { features = [], ...rest } = options
  let inner: Platform | undefined
  const inside: Feature = { name: 'test-inside', start: (given) => void (inner = given) }
  const platform = await testPlatform({ resources: depot, ...rest, features: [feature, inside, ...features] })
  return {
    platform,
    feature,
    async entries(tenantId = platform.a.id) {
      await feature.seal(tenantId)
      const rows = await platform.superuser.query(
        'select * from plinth.audit_logs where tenant_id = $1::uuid order by seq',
        [tenantId],
      )
      return rows.map(
        (row) =>
          ({
            ...row,
            seq: Number(row['seq']),
            changes: row['changes'] === null ? null : JSON.parse(String(row['changes'])),
            detail: row['detail'] === null ? null : JSON.parse(String(row['detail'])),
          }) as StoredEntry,
      )
    },
    async count() {
      const [row] = await platform.superuser.query(
        'select (select count(*) from plinth.audit_inbox) + (select count(*) from plinth.audit_logs) as n',
      )
      return Number(row?.['n'])
    },
    command: (name, options = {}) =>
      platform.plinth.commands
        .find((each) => each.name === name)!
        .run(options, { note: () => undefined, ask: () => Promise.resolve(undefined) }),
    inner: inner!,
    close: () => platform.close(),
  }
}
