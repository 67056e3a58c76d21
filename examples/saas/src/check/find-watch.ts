import { serviceAccounts } from '@plinth/auth'
import type { ReadingContext, Row } from '@plinth/core'
import { agents } from '../schema.ts'

type Agent = Row<typeof agents>

/** Agents of one agency that are asked in one minute. */
const MOST = 1_000

/** Who checks pages by the clock: agents that act by a service account of their own. The oldest first. */
export async function findWatch(
  ctx: ReadingContext,
): Promise<{ readonly active: readonly Agent[]; readonly disabled: readonly Agent[] }> {
  const all = await ctx.list(agents, { sort: ['createdAt', 'id'], limit: MOST })
  const accounts = await ctx.list(serviceAccounts, { where: { disabledAt: null }, limit: MOST })
  const enabled = new Set(accounts.map(({ id }) => id))
  const acting = all.filter(({ serviceAccountId }) => serviceAccountId !== null)
  const isActive = ({ serviceAccountId }: Agent): boolean => enabled.has(serviceAccountId!)
  return { active: acting.filter(isActive), disabled: acting.filter((agent) => !isActive(agent)) }
}
