import {
  isAboutRows,
  jsonAnswer,
  problem,
  refuseQuery,
  rowPrinter,
  subjectOf,
  validate,
  type Call,
  type InputFault,
  type Stored,
  type TextAnswer,
} from '@plinth/core'
import { randomUUID } from 'node:crypto'
import { aclInput } from './acl-input.ts'
import { refuseFull, type SettledLimits } from './acl-limits.ts'
import { mayShare, refuseMore, targetRow } from './acl-reach.ts'
import { readSubject } from './acl-subject.ts'
import { readTarget } from './acl-target.ts'
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
  const { resource: text, recordId, principal, effect } = validate(aclInput, call.body)
  const target = readTarget(platform.registry, text)
  if (recordId != null && !isAboutRows(target.action)) throw invalid(noSingleRow)
  const printer = rowPrinter(resource)
  return call.transactAsSystem(async (system, transaction) => {
    // What this process remembers of the ACL is dropped once this is committed; other processes follow within a second.
    system.changesMembers()
    const row = recordId == null ? undefined : await targetRow(call, transaction, target, recordId)
    if (recordId != null && !row) throw invalid(noRow)
    if (!(await mayShare(call, transaction, target, row)))
      throw problem('permission_denied', {
        detail: `This ${row ? 'row ' : ''}needs the permission ${target.resource.name}:share in a wider scope.`,
      })
    if (effect === 'allow') await refuseMore(call, transaction, target, row)
    const subject = await readSubject(call, definitions, system, transaction, principal)
    if (effect === 'deny') await refuseDenyingAbove(call, definitions, system, transaction, subject)
    const stored: Readonly<Record<string, Stored>> = {
      model: target.model,
      action: target.action,
      recordId: row ? String(row['id']) : null,
      subjectKind: subject.kind,
      subjectId: subject.id,
      effect,
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

const invalid = (fault: InputFault): Error => problem('validation_failed', { errors: [fault] })

const noRow: InputFault = {
  path: '/recordId',
  code: 'reference_not_found',
  message: 'There is no such row, or you may not see it',
}
const noSingleRow: InputFault = {
  path: '/recordId',
  code: 'not_applicable',
  message: 'This is said of every row: one that is to be created is not there yet. Leave recordId out',
}
