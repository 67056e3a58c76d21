import { pageOf, pageParameters, validate, type PersonalRoute } from '@plinth/core'
import { z } from 'zod'
import type { Registration } from '../directory/admit.ts'
import { changeByOperator, changeTenant, requestDeletion, showTenant, tenantChange } from './change-tenant.ts'
import { newTenant, onboardTenant } from './found-tenant.ts'
import { listedTenant, listTenants } from './list-tenants.ts'
import { tenantDetails } from './tenant-row.ts'

export interface LifecycleOptions {
  readonly registration: Registration
  readonly graceDays: number
}

const suspension = z
  .object({ access: z.enum(['read', 'none']).default('read').describe('none: closed, not even read') })
  .meta({ id: 'Suspension' })

const common = { public: false, inTenant: false, tag: 'tenant', origin: 'platform' } as const
const body = ['validation_failed', 'unsupported_media_type', 'body_too_large'] as const
const base = '/api/v1/tenants'
const one = `${base}/:id`
const details = { status: 200, description: 'The tenant', schema: tenantDetails, headers: ['ETag'] } as const

/** `/tenants`: one's own tenants, founding one, and its life. */
export function tenantRoutes({ registration, graceDays }: LifecycleOptions): readonly PersonalRoute[] {
  return [
    {
      ...common,
      personal: 'anyone',
      method: 'GET',
      path: base,
      operationId: 'listTenant',
      summary: "List one's tenants; for the operator all, filtered by `slug`, `status` and `search`",
      query: [
        ...pageParameters,
        { name: 'slug', description: 'For the operator', schema: z.string() },
        { name: 'status', description: 'For the operator', schema: tenantDetails.shape.status },
        { name: 'search', description: 'For the operator: in slug and name', schema: z.string() },
      ],
      errors: ['invalid_query'],
      answers: [{ status: 200, description: 'One page', schema: pageOf(listedTenant) }],
      handle: listTenants,
    },
    {
      ...common,
      personal: 'user',
      method: 'POST',
      path: base,
      operationId: 'createTenant',
      summary: 'Found a tenant and own it',
      body: { schema: newTenant, example: { name: 'Acme' } },
      errors: [...body, 'invalid_query', 'already_exists', 'rate_limited'],
      answers: [{ ...details, status: 201, headers: ['ETag', 'Location'] }],
      handle: (call) => onboardTenant(call, registration),
    },
    {
      ...common,
      personal: 'anyone',
      method: 'GET',
      path: one,
      operationId: 'readTenant',
      summary: 'Read a tenant of your own',
      errors: ['not_found', 'invalid_query', 'second_factor_required'],
      answers: [details],
      handle: showTenant,
    },
    {
      ...common,
      personal: 'anyone',
      method: 'PATCH',
      path: one,
      operationId: 'updateTenant',
      summary: 'Change a tenant (permission `tenant:update` in it; plan and tier: the operator)',
      body: { schema: tenantChange, mergePatch: true, example: { name: 'Acme' } },
      errors: [...body, 'not_found', 'invalid_query', 'version_mismatch', 'tenant_suspended', 'second_factor_required'],
      answers: [details],
      handle: changeTenant,
    },
    {
      ...common,
      personal: 'user',
      method: 'DELETE',
      path: one,
      operationId: 'deleteTenant',
      summary: `Close a tenant and delete it after ${graceDays} days, as its owner`,
      errors: ['not_found', 'invalid_query', 'conflict', 'version_mismatch', 'second_factor_required'],
      answers: [{ status: 204, description: 'It is closed, and will be gone' }],
      handle: (call) => requestDeletion(call, graceDays),
    },
    {
      ...common,
      personal: 'superadmin',
      method: 'POST',
      path: `${one}/suspend`,
      operationId: 'suspendTenant',
      summary: 'Let a tenant be read and not changed, or close it altogether',
      body: { schema: suspension, optional: true },
      errors: [...body, 'not_found', 'invalid_query', 'conflict', 'version_mismatch'],
      answers: [details],
      handle(call) {
        const { access } = validate(suspension, call.body)
        return changeByOperator(call, access === 'read' ? 'suspend' : 'close')
      },
    },
    {
      ...common,
      personal: 'superadmin',
      method: 'POST',
      path: `${one}/reactivate`,
      operationId: 'reactivateTenant',
      summary: 'Let a suspended, closed or to be deleted tenant work again',
      errors: ['not_found', 'invalid_query', 'conflict', 'version_mismatch'],
      answers: [details],
      handle: (call) => changeByOperator(call, 'reactivate'),
    },
  ]
}
