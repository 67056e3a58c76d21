import {
  always,
  emptyAnswer,
  jsonAnswer,
  refuseAbove,
  refuseGrant,
  refuseNarrow,
  refuseOwning,
  refuseQuery,
  rolesIn,
  routePartsOf,
  rowPrinter,
  statement,
  validate,
  type Call,
  type GuardedRoute,
  type RawRow,
  type Registry,
  type StatementRunner,
  type TextAnswer,
  type Transaction,
} from '@plinth/core'
import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Auth } from '../auth-parts.ts'
import { revokeKeys } from '../api-keys/revoke-keys.ts'
import { lockedService } from '../service-accounts/locked-service.ts'
import { serviceAccounts } from '../tables.ts'
import { noContent } from './route-facts.ts'

const name = z.string().trim().min(1).max(100)
const description = z.string().trim().max(2000)
const roles = z
  .array(z.string().min(1).max(100))
  .max(20)
  .transform((names) => [...new Set(names)].sort())
  .describe('Names of roles; nothing that you may not do yourself')

const newService = z
  .object({ name, description: description.default(''), roles: roles.default([]) })
  .meta({ id: 'NewServiceAccount' })
const serviceChange = z
  .object({
    name,
    description,
    roles,
    disabled: z.boolean().describe('Ends its keys at once; enabled again, it needs new ones'),
  })
  .partial()
  .meta({ id: 'ServiceAccountChange' })
const example = { name: 'Deployment', description: 'Publishes sites after a release', roles: ['developer'] }

/** The writes of `/service-accounts`; list and read are generated. */
export function serviceAccountRoutes(auth: () => Auth, registry: Registry): readonly GuardedRoute[] {
  const { base, common, guard, row } = routePartsOf(registry, registry.byTable.get(serviceAccounts)!)
  const one = `${base}/:id`
  const taking = ['validation_failed', 'unsupported_media_type', 'body_too_large', 'invalid_query']
  return [
    {
      ...common,
      ...guard('create'),
      method: 'POST',
      path: base,
      operationId: 'createServiceAccount',
      summary: 'Set up a service, which comes in by keys of its own',
      body: { schema: newService, example },
      errors: taking,
      answers: [{ ...row, status: 201, description: 'The service', headers: ['ETag', 'Location'] }],
      handle: create,
    },
    {
      ...common,
      ...guard('update'),
      method: 'PATCH',
      path: one,
      operationId: 'updateServiceAccount',
      summary: 'Change a service, or disable it (JSON merge patch, RFC 7396)',
      body: { schema: serviceChange, mergePatch: true, example: { disabled: true } },
      errors: [...taking, 'not_found', 'version_mismatch'],
      answers: [row],
      handle: (call) => change(auth(), call),
    },
    {
      ...common,
      ...guard('delete'),
      method: 'DELETE',
      path: one,
      operationId: 'deleteServiceAccount',
      summary: 'Remove a service and its keys',
      errors: ['invalid_query', 'not_found', 'version_mismatch'],
      answers: [noContent],
      handle: (call) => remove(auth(), call),
    },
  ]
}

async function create(call: Call): Promise<TextAnswer> {
  refuseQuery(call)
  const { platform, request, scope } = call
  // They belong to the tenant: of own ones there are none to begin with.
  refuseNarrow(call)
  const given = validate(newService, call.body)
  return call.transactAsSystem(async (system, transaction) => {
    await refuseGrant(rolesIn(platform, system), request.principal, scope.tenantId, given.roles)
    refuseOwning(given.roles)
    const id = randomUUID()
    await system.run(statement`
      insert into plinth.service_accounts (tenant_id, id, created_at, updated_at, name, description, roles)
      values (${scope.tenantId}::uuid, ${id}::uuid, ${scope.now}::text::timestamptz, ${scope.now}::text::timestamptz,
        ${given.name}::text, ${given.description}::text, ${JSON.stringify(given.roles)}::text::jsonb)`)
    await writeRoles(system, scope.tenantId, id, given.roles)
    const data = { id, name: given.name, roles: given.roles }
    await transaction.emit({ type: 'serviceAccount.created', key: id, data })
    const answer = await answerWith(call, transaction, id)
    const location = `${platform.basePath}/api/v1/service-accounts/${id}`
    return { ...answer, status: 201, headers: { ...answer.headers, location } }
  })
}

async function change(auth: Auth, call: Call): Promise<TextAnswer> {
  refuseQuery(call)
  const { platform, request, scope } = call
  const given = validate(serviceChange, call.body)
  const answer = await call.transactAsSystem(async (system, transaction) => {
    const service = await lockedService(call, transaction)
    await refuseAbove(platform, system, request.principal, { tenantId: scope.tenantId, serviceAccountId: service.id })
    const { id } = service
    if (given.roles) {
      await refuseGrant(rolesIn(platform, system), request.principal, scope.tenantId, given.roles)
      refuseOwning(given.roles)
    }
    if (Object.keys(given).length === 0) return answerWith(call, transaction, id)
    await system.run(statement`
      update plinth.service_accounts set name = coalesce(${given.name ?? null}::text, name),
        description = coalesce(${given.description ?? null}::text, description),
        roles = coalesce(${given.roles ? JSON.stringify(given.roles) : null}::text::jsonb, roles),
        disabled_at = case ${given.disabled ?? null}::boolean when true then coalesce(disabled_at, ${scope.now}::text::timestamptz)
          when false then null else disabled_at end,
        updated_at = ${scope.now}::text::timestamptz, version = version + 1
      where tenant_id = ${scope.tenantId}::uuid and id = ${id}::uuid`)
    if (given.roles) await writeRoles(system, scope.tenantId, id, given.roles)
    if (given.disabled === true) await revokeKeys(system, scope.now, { tenantId: scope.tenantId, serviceAccountId: id })
    const changes = {
      before: changeableOf(service.row),
      after: { ...changeableOf(service.row), ...given },
    }
    await transaction.emit({ type: 'serviceAccount.updated', key: id, data: { id, ...given }, changes })
    return answerWith(call, transaction, id)
  })
  auth.apiKeys.forget()
  return answer
}

/**
 * These and no others, beside the names that the row of the service has. One statement: its triggers run when all rows are there, and
 * find those names equal.
 */
async function writeRoles(
  system: StatementRunner,
  tenantId: string,
  id: string,
  names: readonly string[],
): Promise<void> {
  await system.run(statement`
    with gone as (
      delete from plinth.user_roles
      where tenant_id = ${tenantId}::uuid and service_account_id = ${id}::uuid and role <> all (${names}::text[]))
    insert into plinth.user_roles (tenant_id, service_account_id, role)
    select ${tenantId}::uuid, ${id}::uuid, r.role from unnest(${names}::text::text[]) r(role)
    on conflict do nothing`)
}

async function remove(auth: Auth, call: Call): Promise<TextAnswer> {
  refuseQuery(call)
  const { platform, request, scope } = call
  const answer = await call.transactAsSystem(async (system, transaction) => {
    const { id, row } = await lockedService(call, transaction)
    await refuseAbove(platform, system, request.principal, { tenantId: scope.tenantId, serviceAccountId: id })
    // Its keys go with it.
    await system.run(statement`
      delete from plinth.service_accounts where tenant_id = ${scope.tenantId}::uuid and id = ${id}::uuid`)
    await transaction.emit({
      type: 'serviceAccount.deleted',
      key: id,
      data: { id },
      changes: { before: changeableOf(row) },
    })
    return emptyAnswer(204)
  })
  auth.apiKeys.forget()
  return answer
}

/** What a change may change, for the audit log. */
function changeableOf(row: RawRow): Readonly<Record<keyof z.output<typeof serviceChange>, unknown>> {
  return {
    name: row['name'],
    description: row['description'],
    roles: JSON.parse(String(row['roles'])) as unknown,
    disabled: row['disabledAt'] !== null,
  }
}

async function answerWith(call: Call, transaction: Transaction, id: string): Promise<TextAnswer> {
  const resource = call.platform.registry.byTable.get(serviceAccounts)!
  const row = await transaction.read({ resource, id, visible: always })
  if (!row) throw new Error('the service is not there')
  const printer = rowPrinter(resource)
  return jsonAnswer(200, printer.print(row), { etag: printer.etag(row) })
}
