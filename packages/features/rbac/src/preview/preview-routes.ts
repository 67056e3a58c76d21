import {
  pageParameters,
  problem,
  readPage,
  routePartsOf,
  validate,
  withBuiltInRows,
  type Call,
  type GuardedRoute,
  type Page,
  type Registry,
  type TextAnswer,
} from '@plinth/core'
import { z } from 'zod'
import type { DefinitionsOf } from '../definitions.ts'
import { permissionList } from '../permission-input.ts'
import { holderFields, roleName, userRoleInput } from '../user-role-input.ts'
import { answerOf, previewAnswer, refuseNarrow } from './preview-answer.ts'
import type { ConsideredChange } from './preview-change.ts'
import type { ConsideredPlan } from './preview-plan.ts'
import type { ConsideredPolicies } from './preview-policies.ts'
import { preview } from './preview.ts'

/** What is thought of for one role: other permissions, or its end. */
const roleInput = (definitions: DefinitionsOf) =>
  z
    .object({ permissions: permissionList(definitions), deleted: z.literal(true) })
    .partial()
    .superRefine((given, context) => {
      if ((given.permissions === undefined) !== (given.deleted === undefined)) return
      const message = 'Expected either permissions or deleted: true'
      context.addIssue({ code: 'custom', path: ['permissions'], message, params: { code: 'one_change' } })
    })
    .meta({ id: 'RoleChangeConsidered' })

const planName = z.string().min(1).max(100).nullish().describe('Of the tenant; left out, it stays. null is none')

const assignmentInput = z
  .discriminatedUnion('change', [
    z.object({
      change: z.enum(['give', 'take']),
      role: roleName,
      userId: holderFields.userId.optional(),
      groupId: holderFields.groupId.optional(),
      serviceAccountId: holderFields.serviceAccountId.optional(),
    }),
    z.object({ change: z.enum(['join', 'leave']), groupId: holderFields.groupId, userId: holderFields.userId }),
    z.object({ change: z.literal('plan'), plan: planName, tier: planName }),
    z.object({
      change: z.literal('policies'),
      without: z.array(z.string().min(1).max(100)).min(1).max(100).describe('Names of policies that are to go'),
    }),
  ])
  .meta({ id: 'AssignmentConsidered' })

/**
 * `POST /roles/:id/preview` and `POST /user-roles/preview`: what a change would do, before it is made. Nothing is written. Who has which
 * role is told by the answer, so both are for those who may see that of everybody.
 */
export function previewRoutes(registry: Registry, definitions: DefinitionsOf): readonly GuardedRoute[] {
  const of = (name: string): ReturnType<typeof routePartsOf> =>
    routePartsOf(
      registry,
      registry.resources.find((one) => one.name === name)!,
    )
  const [role, userRole] = [of('role'), of('userRole')]
  const body = ['validation_failed', 'unsupported_media_type', 'body_too_large', 'invalid_query'] as const
  const schema = roleInput(definitions)
  return [
    {
      ...role.common,
      ...role.guard('update'),
      method: 'POST',
      path: `${role.base}/:id/preview`,
      operationId: 'previewRole',
      summary: 'Say who would gain and lose what by other permissions of a role, or by its end',
      query: pageParameters,
      body: { schema, example: { permissions: ['role:read', 'userRole:read'] } },
      errors: [...body, 'not_found', 'built_in'],
      answers: [previewAnswer],
      handle: (call) => previewRole(call, definitions, schema),
    },
    {
      ...userRole.common,
      ...userRole.guard('read'),
      method: 'POST',
      path: `${userRole.base}/preview`,
      operationId: 'previewAssignment',
      summary:
        'Say who would gain and lose what by giving or taking a role, by a place in a group, by another plan, or without a policy',
      query: pageParameters,
      body: {
        schema: assignmentInput,
        example: { change: 'give', groupId: '0193a2b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b', role: 'developer' },
      },
      errors: body,
      answers: [previewAnswer],
      handle: (call) => previewAssignment(call, definitions),
    },
  ]
}

async function previewRole(
  call: Call,
  definitions: DefinitionsOf,
  schema: ReturnType<typeof roleInput>,
): Promise<TextAnswer> {
  const page = readPage(call.search)
  refuseNarrow(call)
  const { permissions } = validate(schema, call.body)
  const { platform, scope, request, visible } = call
  const session = withBuiltInRows(call.session, platform.registry, scope.facts)
  const row = await session.read({ resource: request.route.resource, id: call.parameters['id']!, visible })
  if (!row) throw problem('not_found')
  if (row['builtIn'] === true) throw problem('built_in')
  const role = String(row['name'])
  const change: ConsideredChange = permissions
    ? { change: 'permissions', role, permissions }
    : { change: 'delete', role }
  return previewed(call, definitions, page, change)
}

function previewAssignment(call: Call, definitions: DefinitionsOf): Promise<TextAnswer> {
  const page = readPage(call.search)
  refuseNarrow(call)
  const { body } = call
  const given = validate(assignmentInput, body)
  const change: ConsideredChange | ConsideredPlan | ConsideredPolicies =
    'role' in given ? { change: given.change, ...validate(userRoleInput, body) } : given
  return previewed(call, definitions, page, change)
}

function previewed(
  call: Call,
  definitions: DefinitionsOf,
  page: Page,
  change: ConsideredChange | ConsideredPlan | ConsideredPolicies,
): Promise<TextAnswer> {
  const { platform, scope, request } = call
  return platform.database.transaction(scope, (transaction) =>
    answerOf(call, transaction, page, (window) =>
      preview({ platform, definitions, transaction, tenant: request.tenant }, change, window),
    ),
  )
}
