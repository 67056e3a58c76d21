import type { AclEntry, ExplainedEntry } from '../policy/acl.ts'
import type { AccessRule, ReadableEntries } from './access-explanation.ts'

const UNNAMED = 'an entry of the ACL'

/** Marks those that whoever reads the explanation may not read: that one of them decided is told, not which and about whom. */
export async function withheldFrom(
  readable: ReadableEntries | undefined,
  entries: readonly AclEntry[],
): Promise<readonly ExplainedEntry[]> {
  if (!readable || entries.length === 0) return entries
  const known = await readable([...new Set(entries.map(({ id }) => id))])
  return entries.map((entry) => ({ ...entry, withheld: !known.has(entry.id) }))
}

/** @param counts whether a role that is always allowed does not make it say nothing */
export function entryRule({ id, subject, recordId, effect, withheld }: ExplainedEntry, counts: boolean): AccessRule {
  return {
    source: effect === 'deny' ? 'acl deny' : 'acl allow',
    name: withheld === true ? UNNAMED : id,
    effect: effect === 'allow' ? 'admits' : counts ? 'refuses' : 'narrows',
    ...(withheld === true ? {} : { entry: { subject, recordId } }),
  }
}

const kinds: Readonly<Record<string, string>> = {
  user: 'the member',
  group: 'the group',
  role: 'the role',
  service: 'the service',
  apiKey: 'the key',
}

/** `the ACL entry 0193… denies folder:read to the role read_only on this row`; without id and subject where it is withheld. */
export function entryWords({ id, effect, subject, recordId, withheld }: ExplainedEntry, permission: string): string {
  const [kind = '', ...of] = subject.split(':')
  const does = effect === 'deny' ? 'denies' : 'allows'
  const rows = recordId === null ? 'on every row' : 'on this row'
  if (withheld === true) return `${UNNAMED} ${does} ${permission} ${rows}`
  return `the ACL entry ${id} ${does} ${permission} to ${kinds[kind] ?? kind} ${of.join(':')} ${rows}`
}
