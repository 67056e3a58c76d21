import { getConstructionPlans } from 'pg-boss'

/** Of its own: a product may use pg-boss beside, in the schema that it has by default. */
export const QUEUE_SCHEMA = 'plinth_queue'
/** One for all jobs: what of them goes first is decided before they are in it. */
export const QUEUE_NAME = 'jobs'

const plan = getConstructionPlans(QUEUE_SCHEMA, { createSchema: false })

/** What pg-boss makes in its schema. The migration has a transaction and a lock already, and its own limits of time. */
export const queueTables = {
  version: Number(/version\(version\) VALUES \('(\d+)'\)/.exec(plan)?.[1]),
  sql: plan
    .split('\n')
    .filter((line) => !/^\s*(?:BEGIN|COMMIT|SET LOCAL .*|SELECT pg_advisory_xact_lock\(.*\));\s*$/.test(line))
    .join('\n'),
} as const
