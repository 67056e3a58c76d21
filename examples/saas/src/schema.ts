import { serviceAccounts } from '@plinth/auth'
import { sql } from 'drizzle-orm'
import { index, integer, text, timestamp, uniqueIndex } from 'drizzle-orm/pg-core'
import { belongsTo, deletedAt, resourceTable, templateColumns, templated, type AnyResourceTable } from '@plinth/core'
import { queueStatuses } from '@plinth/jobs'
import type { AgentParams, EnvironmentParams, MonitorParams } from './params.ts'

/** A client's web site that the agency looks after. */
export const sites = resourceTable('sites', {
  name: text().notNull(),
  url: text().notNull(),
  notes: text(),
  monthlyFee: integer(),
})

/** How the agency sets up environments: one template for all staging servers, one below it for a client's. */
export const environmentTemplates = resourceTable('environment_templates', {
  name: text().notNull(),
  ...templateColumns<EnvironmentParams>((): AnyResourceTable => environmentTemplates),
  deletedAt: deletedAt(),
})

/** Where a site runs besides the address that its visitors know: staging, a preview. */
export const environments = resourceTable('environments', {
  siteId: belongsTo(() => sites, { onDelete: 'cascade' }).notNull(),
  name: text().notNull(),
  stage: text({ enum: ['production', 'staging', 'development'] }).notNull(),
  url: text().notNull(),
  status: text({ enum: queueStatuses }).notNull().default('idle'),
  ...templated<EnvironmentParams>(() => environmentTemplates),
})

/** How the agency checks pages; a client's own template has the agency's for its parent. */
export const monitorTemplates = resourceTable('monitor_templates', {
  name: text().notNull(),
  notes: text(),
  ...templateColumns<MonitorParams>((): AnyResourceTable => monitorTemplates),
  deletedAt: deletedAt(),
})

/** One page of a site that is watched, with what the last check found. */
export const monitors = resourceTable(
  'monitors',
  {
    siteId: belongsTo(() => sites, { onDelete: 'cascade' }).notNull(),
    environmentId: belongsTo(() => environments, { onDelete: 'cascade' }),
    agentId: belongsTo((): AnyResourceTable => agents),
    name: text().notNull(),
    path: text().notNull().default('/'),
    ...templated<MonitorParams>(() => monitorTemplates),
    lastStatus: text({ enum: ['up', 'down'] }),
    lastCheckedAt: timestamp({ withTimezone: true }),
    lastResponseMs: integer(),
    lastError: text(),
    nextCheckAt: timestamp({ withTimezone: true }),
  },
  // What the agency asks all day: which are down, and which are due.
  (table) => [
    index('monitors_last_status_idx').on(table.tenantId, table.lastStatus),
    index('monitors_next_check_at_idx').on(table.tenantId, table.nextCheckAt, table.id),
  ],
)

/** That a page was down, from the check that found it to the one that found it up again. */
export const incidents = resourceTable(
  'incidents',
  {
    monitorId: belongsTo(() => monitors, { onDelete: 'cascade' }).notNull(),
    status: text({ enum: ['open', 'resolved'] })
      .notNull()
      .default('open'),
    reason: text().notNull(),
    openedAt: timestamp({ withTimezone: true }).notNull(),
    resolvedAt: timestamp({ withTimezone: true }),
  },
  (table) => [
    // One outage is one incident, whoever finds it.
    uniqueIndex('incidents_open_key')
      .on(table.tenantId, table.monitorId)
      .where(sql`status = 'open'`),
  ],
)

/** What agents of one kind take on. */
export const agentTemplates = resourceTable('agent_templates', {
  name: text().notNull(),
  ...templateColumns<AgentParams>((): AnyResourceTable => agentTemplates),
  deletedAt: deletedAt(),
})

/** Works through tasks, one after the other, and checks pages by the clock. */
export const agents = resourceTable('agents', {
  name: text().notNull(),
  // What its queue is; the queue is its jobs.
  status: text({ enum: queueStatuses }).notNull().default('idle'),
  // As whom it acts: a role that this service has is the agent's, and so are its keys.
  serviceAccountId: belongsTo(() => serviceAccounts),
  ...templated<AgentParams>(() => agentTemplates),
})

/** What became of what an agent was told, in words, for whoever looks at it. */
export const timelineEntries = resourceTable('timeline_entries', {
  agentId: belongsTo(() => agents, { onDelete: 'cascade', inverse: 'timeline' }).notNull(),
  outcome: text({ enum: ['done', 'failed'] }).notNull(),
  text: text().notNull(),
  jobId: text().notNull(),
})
