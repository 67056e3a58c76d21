import {
  always,
  problem,
  statement,
  subjectOf,
  withBuiltInRows,
  type AclEffect,
  type AclSaying,
  type Facts,
  type InputFault,
  type Platform,
  type RawRow,
  type StatementRunner,
  type SubjectKind,
} from '@plinth/core'
import type { AclInput } from '../acl-input.ts'
import { findSubject, refuseNoSubject, type SubjectLookup } from '../acl-subject.ts'
import { readTarget, refuseNoRows, targetOf, type AclTarget } from '../acl-target.ts'
import type { Definitions } from '../definitions.ts'

/** An entry of the ACL that somebody thinks of, or that he thinks of taking back. */
export interface ConsideredEntry {
  readonly change: 'made' | 'deleted'
  readonly target: AclTarget
  /** The row that it is about; null is every row. */
  readonly recordId: string | null
  readonly subject: { readonly kind: SubjectKind; readonly id: string }
  readonly effect: AclEffect
  /** Of one that there is. */
  readonly id: string | undefined
}

/** Where an entry is looked up by a program, which may do everything. */
export interface EntryLookup extends Omit<SubjectLookup, 'hold'> {
  readonly platform: Platform
  readonly definitions: Definitions
}

/**
 * Reads an entry as `POST /acl` would, in the name of the platform. Nothing is locked.
 * @throws validation_failed
 */
export async function considerEntry(lookup: EntryLookup, input: AclInput): Promise<ConsideredEntry> {
  const { platform, definitions } = lookup
  const { resource: text, recordId, principal, effect } = input
  const target = readTarget(platform.registry, text)
  const row = recordId == null ? undefined : await rowSeen(lookup, target, recordId)
  if (recordId != null) refuseNoRows(target, row)
  const found = await findSubject({ ...lookup, hold: false }, definitions, principal)
  if (found === undefined) throw refuseNoSubject(definitions, principal)
  return {
    change: 'made',
    target,
    recordId: row ? String(row['id']) : null,
    subject: { kind: principal.kind, id: found },
    effect,
    id: undefined,
  }
}

/** An entry that there is, as one that is to go. @throws not_found, validation_failed where it is about what the product has no more */
export function considerRemoval({ registry }: Pick<Platform, 'registry'>, entry: RawRow): ConsideredEntry {
  const target = targetOf(registry, String(entry['model']), String(entry['action']))
  if (!target) {
    const message = 'The product has no such model or action any more: the entry says nothing'
    const fault: InputFault = { path: '/id', code: 'not_applicable', message }
    throw problem('validation_failed', { errors: [fault] })
  }
  return {
    change: 'deleted',
    target,
    recordId: entry['recordId'] == null ? null : String(entry['recordId']),
    subject: { kind: String(entry['subjectKind']) as SubjectKind, id: String(entry['subjectId']) },
    effect: entry['effect'] === 'deny' ? 'deny' : 'allow',
    id: String(entry['id']),
  }
}

/** The row that an entry is about, as it is now; undefined where it is gone, or deleted. */
export async function rowSeen(
  { platform, transaction }: Pick<EntryLookup, 'platform' | 'transaction'>,
  { resource }: AclTarget,
  id: string,
): Promise<RawRow | undefined> {
  const session = resource.declaration.builtIn ? withBuiltInRows(transaction, platform.registry, nobody) : transaction
  return session.read({ resource, id, visible: always })
}

/** Who looks at every row, whosever it is. */
const nobody: Facts = { principalId: null, userId: null, groupIds: [] }

export const sayingOf = ({ target, recordId, subject, effect }: ConsideredEntry): AclSaying => ({
  subject: subjectOf(subject.kind, subject.id),
  model: target.model,
  action: target.action,
  effect,
  everything: recordId === null,
})

/** Whether what the entry says is said by others, of other rows: then it stays said without it. */
export async function isSaidBeside(
  runner: StatementRunner,
  tenantId: string,
  { id, target, recordId, subject, effect }: ConsideredEntry,
): Promise<boolean> {
  if (id === undefined || recordId === null) return false
  const rows = await runner.run(statement`
    select id from plinth.acl_entries
    where tenant_id = ${tenantId}::uuid and subject = ${subjectOf(subject.kind, subject.id)}::text
      and model = ${target.model}::text and action = ${target.action}::text and effect = ${effect}::text
      and not everything and id <> ${id}::uuid
    limit 1`)
  return rows.length > 0
}
