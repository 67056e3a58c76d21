import type { Context, Row } from '@plinth/core'
import { incidents, monitors } from '../schema.ts'
import type { PageFinding } from './check-page.ts'

/** Writes what a check found into its monitor, and when the next one is due. */
export function keepFinding(ctx: Context, monitorId: string, found: PageFinding): Promise<Row<typeof monitors>> {
  return ctx.update(monitors, monitorId, {
    lastStatus: found.status,
    lastCheckedAt: ctx.now(),
    lastResponseMs: found.responseMs,
    lastError: found.error,
    nextCheckAt: new Date(ctx.now().getTime() + found.intervalSeconds * 1_000),
  })
}

/** Opens an incident with the first check that finds the page down, and resolves it with the first that finds it up again. */
export async function keepIncident(ctx: Context, monitorId: string, found: PageFinding): Promise<void> {
  const [open] = await ctx.list(incidents, { where: { monitorId, status: 'open' }, limit: 1 })
  if (found.status === 'down' && !open)
    await ctx.create(incidents, { monitorId, reason: found.error ?? 'It is down.', openedAt: ctx.now() })
  if (found.status === 'up' && open) await ctx.update(incidents, open.id, { status: 'resolved', resolvedAt: ctx.now() })
}

/** Both, where the monitor is still there. @returns whether it is */
export async function keepChecked(ctx: Context, monitorId: string, found: PageFinding): Promise<boolean> {
  const [monitor] = await ctx.list(monitors, { where: { id: monitorId } })
  if (!monitor) return false
  await keepFinding(ctx, monitorId, found)
  await keepIncident(ctx, monitorId, found)
  return true
}
