import {
  isAboutRows,
  jsonAnswer,
  problem,
  refuseQuery,
  rowPrinter,
  subjectOf,
  validate,
  type Call,
  type RawRow,
  type StatementRunner,
  type Stored,
  type TextAnswer,
  type Transaction,
} from '@plinth/core'
import { randomUUID } from 'node:crypto'
import { aclInput, type AclInput } from './acl-input.ts'
import { refuseFull, type SettledLimits } from './acl-limits.ts'
import { mayShare, refuseMore, targetRow } from './acl-reach.ts'
import { readSubject, type AclSubject } from './acl-subject.ts'
import { readTarget, refuseNoRows, type AclTarget } from './acl-target.ts'
import type { Definitions } from './definitions.ts'
import { modelsOf } from './known-permissions.ts'
import { refuseDenyingAbove } from './refuse-denying-above.ts'

/**
 * `POST /acl`: allows or denies something to somebody. Whose row it is, or who may share every row, decides; nobody allows what he may
 * not do himself. Row and subject stay there until the entry is written.
 */
export async function createAclEntry(call: Call, definitions: Definitions, limits: SettledLimits): Promise<TextAnswer> {
  refuseQuery(call)
  const { platform, request } = call
  const { resource } = request.route
  const input = validate(aclInput, call.body)
  const printer = rowPrinter(resource)
  return call.transactAsSystem(async (system, transaction) => {
    // What this process remembers of the ACL is dropped once this is committed; other processes follow within a second.
    system.changesMembers()
    const { target, row, subject } = await permitEntry(call, definitions, system, transaction, input)
    const stored: Readonly<Record<string, Stored>> = {
      model: target.model,
      action: target.action,
      recordId: row ? String(row['id']) : null,
      subjectKind: subject.kind,
      subjectId: subject.id,
      effect: input.effect,
    }
    await refuseFull(transaction, limits, {
      tenantId: request.tenant.id,
      subject: subjectOf(subject.kind, subject.id),
      models: modelsOf(platform.registry.permissions).filter((name) => name.split('.')[0] === target.resource.name),
      recordId: row && String(row['id']),
    })
    const values = new Map(Object.entries(stored).map(([key, value]) => [resource.byKey.get(key)!, value]))
    const ownerUserId = request.principal.userId
    const made = await transaction.create({ resource, id: randomUUID(), ownerUserId, values })
    const location = `${platform.basePath}/api/v1/${resource.path}/${String(made['id'])}`
    return jsonAnswer(201, printer.print(made), { etag: printer.etag(made), location })
  })
}

/** What somebody may write. */
export interface PermittedEntry {
  readonly target: AclTarget
  readonly row: RawRow | undefined
  readonly subject: AclSubject
}

/**
 * What is to be said, by somebody who may say it. Row and subject stay there until the end of the transaction.
 * @throws validation_failed, permission_denied
 */
export async function permitEntry(
  call: Call,
  definitions: Definitions,
  system: StatementRunner,
  transaction: Transaction,
  { resource: text, recordId, principal, effect }: AclInput,
): Promise<PermittedEntry> {
  const target = readTarget(call.platform.registry, text)
  const row =
    recordId == null || !isAboutRows(target.action) ? undefined : await targetRow(call, transaction, target, recordId)
  if (recordId != null) refuseNoRows(target, row)
  if (!(await mayShare(call, transaction, target, row)))
    throw problem('permission_denied', {
      detail: `This ${row ? 'row ' : ''}needs the permission ${target.resource.name}:share in a wider scope.`,
    })
  if (effect === 'allow') await refuseMore(call, transaction, target, row)
  const subject = await readSubject(call, definitions, system, transaction, principal)
  if (effect === 'deny') await refuseDenyingAbove(call, definitions, system, transaction, subject)
  return { target, row, subject }
}
