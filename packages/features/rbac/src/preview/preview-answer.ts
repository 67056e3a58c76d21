import {
  jsonAnswer,
  pageOf,
  printPage,
  problem,
  type Call,
  type Page,
  type TextAnswer,
  type Transaction,
} from '@plinth/core'
import { z } from 'zod'
import { namesOf } from './holders.ts'
import type { PreviewWindow, RolePreview } from './tally.ts'

/** How every preview is answered. */
export const previewAnswer = {
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
          kind: z.enum(['member', 'service', 'key']),
          id: z.string(),
          name: z.string().nullable().describe('Of a member, for whoever may see members'),
          gained: z.array(z.string()).describe('Permissions in three parts; on one row without a scope'),
          lost: z.array(z.string()),
          changes: z
            .array(
              z.object({
                permission: z.string(),
                before: z.string().describe('On which rows, in words: `every row`, `no row`, `status is "live"`'),
                after: z.string(),
              }),
            )
            .optional()
            .describe('Of entries of the ACL about every row, of policies and plans'),
        }),
      ),
    )
    .meta({ id: 'RolePreview' }),
} as const

/** Who may see of some alone which roles they have is not told of others by this way. @throws permission_denied */
export function refuseNarrow(call: Call): void {
  if (holdsEverywhere(call, 'userRole', 'read')) return
  throw problem('permission_denied', { detail: 'This needs the permission userRole:read in the scope all.' })
}

/** On every row, whatever roles, the ACL and policies say: a scope alone would leave denials and policies aside. */
export function holdsEverywhere({ platform, request }: Call, model: string, action: string): boolean {
  const number = platform.registry.permissions.numberOf(model, action)
  return number !== undefined && request.principal.permissions.everywhere(number)
}

/** One page of those whom it touches, and one more where there is a next page. */
export async function answerOf(
  call: Call,
  transaction: Transaction,
  page: Page,
  ask: (window: PreviewWindow) => Promise<RolePreview>,
): Promise<TextAnswer> {
  const preview = await ask({ offset: page.offset, limit: page.pageSize + 1 })
  const { holders, gaining, losing, affected } = preview
  const ids = affected.filter(({ kind }) => kind === 'member').map(({ id }) => id)
  const named = ids.length > 0 && holdsEverywhere(call, 'user', 'read')
  const names = named ? await namesOf(transaction, call.scope.tenantId, ids) : new Map<string, string>()
  const rows = affected.map(({ kind, id, gained, lost, changes }) => ({
    kind,
    id,
    name: names.get(id) ?? null,
    gained,
    lost,
    ...(changes && { changes }),
  }))
  return jsonAnswer(200, JSON.stringify({ holders, gaining, losing, ...(JSON.parse(printPage(page, rows)) as object) }))
}
