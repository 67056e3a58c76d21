import { pageOf, pageParameters, type PersonalRoute } from '@plinth/core'
import { z } from 'zod'
import { listAllTenants } from '../lifecycle/list-tenants.ts'
import { tenantDetails } from '../lifecycle/tenant-row.ts'
import {
  changePlatformUser,
  listPlatformUsers,
  platformUser,
  platformUserChange,
  showPlatformUser,
} from './platform-users.ts'

const common = { public: false, personal: 'superadmin', inTenant: false, tag: 'admin', origin: 'platform' } as const
const user = { status: 200, description: 'The user', schema: platformUser } as const

/** What the operator of the service sees: tenants and users, and no tenant's rows. */
export const adminRoutes: readonly PersonalRoute[] = [
  {
    ...common,
    method: 'GET',
    path: '/api/v1/admin/tenants',
    operationId: 'listAllTenants',
    summary: 'List all tenants, as the operator',
    query: [
      ...pageParameters,
      { name: 'slug', description: 'The whole slug', schema: z.string() },
      { name: 'status', description: 'Its state', schema: tenantDetails.shape.status },
      { name: 'search', description: 'In slug and name, in any case', schema: z.string() },
    ],
    errors: ['invalid_query'],
    answers: [{ status: 200, description: 'One page', schema: pageOf(tenantDetails) }],
    handle: listAllTenants,
  },
  {
    ...common,
    method: 'GET',
    path: '/api/v1/admin/users',
    operationId: 'listAllUsers',
    summary: 'List all users, as the operator',
    query: [
      ...pageParameters,
      { name: 'email', description: 'The whole address, in any case', schema: z.string() },
      { name: 'search', description: 'In address, user name and name, in any case', schema: z.string() },
    ],
    errors: ['invalid_query'],
    answers: [{ status: 200, description: 'One page', schema: pageOf(platformUser) }],
    handle: listPlatformUsers,
  },
  {
    ...common,
    method: 'GET',
    path: '/api/v1/admin/users/:id',
    operationId: 'readAnyUser',
    summary: 'Read a user, as the operator',
    errors: ['not_found', 'invalid_query'],
    answers: [user],
    handle: showPlatformUser,
  },
  {
    ...common,
    method: 'PATCH',
    path: '/api/v1/admin/users/:id',
    operationId: 'suspendAnyUser',
    summary: 'Keep a user out of the whole service and end what he holds, or let him in again',
    body: { schema: platformUserChange, mergePatch: true, example: { status: 'suspended' } },
    errors: ['validation_failed', 'not_found', 'conflict', 'invalid_query', 'unsupported_media_type', 'body_too_large'],
    answers: [user],
    handle: changePlatformUser,
  },
]
