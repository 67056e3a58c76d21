import {
  always,
  pageParameters,
  problem,
  readPage,
  validate,
  type Call,
  type GuardedRoute,
  type Page,
  type TextAnswer,
} from '@plinth/core'
import { z } from 'zod'
import { aclInput } from '../acl-input.ts'
import { permitEntry } from '../create-acl-entry.ts'
import type { Definitions } from '../definitions.ts'
import { permitRemoval } from '../delete-acl-entry.ts'
import { considerRemoval, type ConsideredEntry } from './considered-entry.ts'
import { previewEntry } from './preview-acl.ts'
import { answerOf, holdsEverywhere, previewAnswer, refuseNarrow } from './preview-answer.ts'

const removalInput = z.object({ deleted: z.literal(true) }).meta({ id: 'AclEntryChangeConsidered' })

/** What the routes of the ACL have in common. */
type Sharing = Pick<
  GuardedRoute,
  'public' | 'resource' | 'tag' | 'origin' | 'verb' | 'permission' | 'seeing' | 'otherwise'
>

/**
 * `POST /acl/preview` and `POST /acl/:id/preview`: for whoever may write the entry, or take it back, and may see of everybody what he may
 * do. What is refused when it is written is refused here, by the same code.
 */
export function aclPreviewRoutes(
  base: string,
  sharing: Sharing,
  definitions: () => Definitions,
): readonly GuardedRoute[] {
  const errors = ['validation_failed', 'unsupported_media_type', 'body_too_large', 'invalid_query'] as const
  return [
    {
      ...sharing,
      method: 'POST',
      path: `${base}/preview`,
      operationId: 'previewAclEntry',
      summary: 'Say who would gain and lose what by an entry of the ACL',
      query: pageParameters,
      body: {
        schema: aclInput,
        example: { resource: 'Role.read', principal: { kind: 'role', id: 'developer' }, effect: 'deny' },
      },
      errors,
      answers: [previewAnswer],
      handle: (call) => previewMade(call, definitions()),
    },
    {
      ...sharing,
      method: 'POST',
      path: `${base}/:id/preview`,
      operationId: 'previewAclEntryRemoval',
      summary: 'Say who would gain and lose what, if an entry of the ACL were taken back',
      query: pageParameters,
      body: { schema: removalInput, example: { deleted: true } },
      errors: [...errors, 'not_found'],
      answers: [previewAnswer],
      handle: (call) => previewDeleted(call, definitions()),
    },
  ]
}

async function previewMade(call: Call, definitions: Definitions): Promise<TextAnswer> {
  const page = readPage(call.search)
  refuseNarrow(call)
  const input = validate(aclInput, call.body)
  // A transaction of its own: what it holds is let go before everybody is gone through.
  const { target, row, subject } = await call.platform.database.system(async (system) =>
    permitEntry(call, definitions, system, await system.within(call.scope), input),
  )
  return answer(call, definitions, page, {
    change: 'made',
    target,
    recordId: row ? String(row['id']) : null,
    subject,
    effect: input.effect,
    id: undefined,
  })
}

async function previewDeleted(call: Call, definitions: Definitions): Promise<TextAnswer> {
  const page = readPage(call.search)
  refuseNarrow(call)
  validate(removalInput, call.body)
  const { platform, scope, request, parameters } = call
  const entry = await platform.database.transaction(scope, async (transaction) => {
    const { resource } = request.route
    const found = await transaction.read({ resource, id: parameters['id']!, visible: always })
    if (!found) throw problem('not_found')
    await permitRemoval(call, transaction, found)
    return found
  })
  return answer(call, definitions, page, considerRemoval(platform, entry))
}

function answer(call: Call, definitions: Definitions, page: Page, entry: ConsideredEntry): Promise<TextAnswer> {
  const { platform, scope, request } = call
  const known = { registry: platform.registry, definitions }
  const keys = holdsEverywhere(call, 'apiKey', 'read')
  return platform.database.transaction(scope, (transaction) =>
    answerOf(call, transaction, page, (window) =>
      previewEntry({ ...known, platform, transaction, tenant: request.tenant, keys }, entry, window),
    ),
  )
}
