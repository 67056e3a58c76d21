import {
  jsonAnswer,
  pageOf,
  pageParameters,
  printPage,
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
  type Transaction,
} from '@plinth/core'
import { z } from 'zod'
import type { DefinitionsOf } from '../definitions.ts'
import { permissionList } from '../permission-input.ts'
import { holderFields, roleName, userRoleInput } from '../user-role-input.ts'
import { namesOf } from './holders.ts'
import { previewChange, type ConsideredChange, type RolePreview } from './preview-change.ts'
import { previewPlan, type ConsideredPlan } from './preview-plan.ts'

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
  ])
  .meta({ id: 'AssignmentConsidered' })

const answer = {
  status: 200,
  description: 'Who would gain and lose what, and of how many it is told',
  schema: z
    .intersection(
      z.object({
        holders: z.int().describe('How many it is about'),
        gaining: z.int(),
        losing: z.int(),
      }),
      pageOf(
        z.object({
          kind: z.enum(['member', 'service']),
          id: z.string(),
          name: z.string().nullable().describe('Of a member, for whoever may see members'),
          gained: z.array(z.string()).describe('Permissions in three parts'),
          lost: z.array(z.string()),
        }),
      ),
    )
    .meta({ id: 'RolePreview' }),
} as const

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
      answers: [answer],
      handle: (call) => previewRole(call, definitions, schema),
    },
    {
      ...userRole.common,
      ...userRole.guard('read'),
      method: 'POST',
      path: `${userRole.base}/preview`,
      operationId: 'previewAssignment',
      summary: 'Say who would gain and lose what by giving or taking a role, by a place in a group, or by another plan',
      query: pageParameters,
      body: {
        schema: assignmentInput,
        example: { change: 'give', groupId: '0193a2b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b', role: 'developer' },
      },
      errors: body,
      answers: [answer],
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
  return platform.database.transaction(scope, (transaction) => answerOf(call, definitions, transaction, page, change))
}

function previewAssignment(call: Call, definitions: DefinitionsOf): Promise<TextAnswer> {
  const page = readPage(call.search)
  refuseNarrow(call)
  const { platform, scope, body } = call
  const given = validate(assignmentInput, body)
  const change: ConsideredChange | ConsideredPlan =
    'role' in given ? { change: given.change, ...validate(userRoleInput, body) } : given
  return platform.database.transaction(scope, (transaction) => answerOf(call, definitions, transaction, page, change))
}

/** Who may see of some alone which roles they have is not told of others by this way. @throws permission_denied */
function refuseNarrow({ platform, request }: Call): void {
  if (holdsAll(platform.registry, request.principal.permissions, 'userRole', 'read')) return
  throw problem('permission_denied', { detail: 'This needs the permission userRole:read in the scope all.' })
}

type Held = Call['request']['principal']['permissions']

function holdsAll({ permissions }: Registry, held: Held, model: string, action: string): boolean {
  const number = permissions.numberOf(model, action)
  return number !== undefined && held.scopes(number).includes('all')
}

async function answerOf(
  call: Call,
  definitions: DefinitionsOf,
  transaction: Transaction,
  page: Page,
  change: ConsideredChange | ConsideredPlan,
): Promise<TextAnswer> {
  const { registry } = call.platform
  const { tenantId } = call.scope
  const known = { registry, definitions: definitions.known }
  const preview =
    change.change === 'plan'
      ? await previewPlan(known, transaction, call.request.tenant, change)
      : await previewChange(known, transaction, tenantId, change)
  const named = holdsAll(registry, call.request.principal.permissions, 'user', 'read')
  const rows = await pageRows(transaction, tenantId, preview, page, named)
  const { holders, gaining, losing } = preview
  return jsonAnswer(200, JSON.stringify({ holders, gaining, losing, ...(JSON.parse(printPage(page, rows)) as object) }))
}

/** One page of those whom it touches, and one more where there is a next page. */
async function pageRows(
  transaction: Transaction,
  tenantId: string,
  { affected }: RolePreview,
  { offset, pageSize }: Page,
  named: boolean,
): Promise<readonly object[]> {
  const rows = affected.slice(offset, offset + pageSize + 1)
  const ids = rows.filter(({ kind }) => kind === 'member').map(({ id }) => id)
  const names = named && ids.length > 0 ? await namesOf(transaction, tenantId, ids) : new Map<string, string>()
  return rows.map(({ kind, id, gained, lost }) => ({ kind, id, name: names.get(id) ?? null, gained, lost }))
}
