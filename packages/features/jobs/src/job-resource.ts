import { defineResource, platformTable } from '@plinth/core'
import { integer, jsonb, pgSchema, real, text, timestamp, uuid } from 'drizzle-orm/pg-core'

export const jobStatuses = [
  'scheduled',
  'waiting',
  'held',
  'queued',
  'running',
  'completed',
  'cancelled',
  'dead',
  'discarded',
] as const

const time = () => timestamp({ withTimezone: true })

/** What is of the queue alone (delivery, lease, worker) is not among the columns, so that no generated statement reads it. */
export const backgroundJobs = platformTable('background_jobs', {
  type: text().notNull(),
  payload: jsonb().$type<unknown>().notNull(),
  key: text(),
  priority: integer().notNull().default(0),
  status: text({ enum: jobStatuses }).notNull(),
  attempts: integer().notNull().default(0),
  maxAttempts: integer().notNull(),
  runAt: time().notNull(),
  startedAt: time(),
  finishedAt: time(),
  progress: real(),
  note: text(),
  result: jsonb().$type<unknown>(),
  error: text(),
  principalKind: text({ enum: ['user', 'service', 'apiKey', 'system'] }).notNull(),
  principalId: text().notNull(),
  requestId: text().notNull(),
  traceparent: text(),
})

export const keptResults = pgSchema('plinth').table('kept_results', {
  tenantId: uuid('tenant_id').notNull(),
  key: text().notNull(),
  result: jsonb(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
})

export const jobResource = defineResource({
  table: backgroundJobs,
  name: 'job',
  path: 'jobs',
  description: 'Work that happens later, and what became of it.',
  operations: { create: false, update: false, delete: false },
  fields: {
    type: { filter: true, sort: true, readOnly: true, description: 'The name of the job' },
    payload: { readOnly: true, restricted: 'read', description: 'What it was given' },
    key: { filter: true, readOnly: true, description: 'Jobs with one key run one after the other' },
    priority: { readOnly: true },
    status: { filter: true, sort: true, readOnly: true },
    attempts: { readOnly: true, description: 'How often it was begun' },
    maxAttempts: { readOnly: true, description: 'How often it is tried before it is dead' },
    runAt: { sort: true, filter: true, readOnly: true, description: 'Not before this time' },
    startedAt: { readOnly: true },
    finishedAt: { sort: true, readOnly: true },
    progress: { readOnly: true, description: 'From 0 to 1, where the job says it' },
    note: { readOnly: true, description: 'What it is at, in words' },
    // Computed with the rights of whoever asked, and the words of any error that code throws: not for everybody who sees that a job ran.
    result: { readOnly: true, restricted: 'read' },
    error: { readOnly: true, restricted: 'read', description: 'Why it failed, or is held' },
    principalKind: { filter: true, readOnly: true, description: 'What asked for it' },
    principalId: { filter: true, readOnly: true },
    traceparent: { readOnly: true, description: 'The trace of that request (W3C Trace Context)' },
    requestId: { filter: true, readOnly: true, description: 'The request in which it was asked for' },
  },
})
