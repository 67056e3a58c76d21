import {
  isoTime,
  jsonAnswer,
  pageOf,
  pageParameters,
  printPage,
  problem,
  readPage,
  statement,
  type FixedStatement,
  type Page,
  type PersonalCall,
  type PersonalRoute,
  type RawRow,
  type TextAnswer,
} from '@plinth/core'
import { z } from 'zod'
import { jobStatuses } from '../job-resource.ts'

const time = z.iso.datetime().nullable()

/** A job as the operator sees it: whose, which and how far. What for, and what came of it, are the tenant's. */
const platformJob = z
  .object({
    id: z.guid(),
    tenant: z.object({ id: z.guid(), slug: z.string() }),
    type: z.string(),
    status: z.enum(jobStatuses),
    attempts: z.int(),
    maxAttempts: z.int(),
    createdAt: z.iso.datetime(),
    runAt: z.iso.datetime(),
    startedAt: time,
    finishedAt: time,
    worker: z.string().nullable(),
    requestId: z.string(),
  })
  .meta({ id: 'PlatformJob' })

const filters = ['status', 'type', 'tenant'] as const

/** `GET /admin/jobs`: where the work of all tenants stands, for the operator. */
export const adminJobs: PersonalRoute = {
  public: false,
  personal: 'superadmin',
  inTenant: false,
  tag: 'admin',
  origin: 'platform',
  method: 'GET',
  path: '/api/v1/admin/jobs',
  operationId: 'listAllJobs',
  summary: 'List the jobs of all tenants, as the operator: those that are not done, and dead ones',
  query: [
    ...pageParameters,
    { name: 'status', description: 'Those in this state alone', schema: z.enum(jobStatuses) },
    { name: 'type', description: 'The name of the job', schema: z.string() },
    { name: 'tenant', description: 'Slug or id of the tenant', schema: z.string() },
  ],
  errors: ['invalid_query'],
  answers: [{ status: 200, description: 'One page, the newest first', schema: pageOf(platformJob) }],
  handle: list,
}

/** @throws invalid_query */
async function list(call: PersonalCall): Promise<TextAnswer> {
  const page = readPage(call.search, filters)
  const query = newest(page)
  const rows = await call.platform.database.system((system) => system.run(query))
  return jsonAnswer(200, printPage(page, rows.map(jobOf)))
}

function newest({ others, pageSize, offset }: Page): FixedStatement {
  const [status = null, type = null, tenant = null] = filters.map((name) => others.get(name))
  if (status !== null && !z.enum(jobStatuses).safeParse(status).success)
    throw problem('invalid_query', {
      errors: [{ path: '?status', code: 'invalid_value', message: `Expected one of: ${jobStatuses.join(', ')}` }],
    })
  // Written out: so PostgreSQL knows that the partial indexes of these states hold all of them, and reads no week of completed ones.
  return statement`
    select j.id, t.id as tenant_id, t.slug, j.type, j.status, j.attempts, j.max_attempts, j.created_at, j.run_at, j.started_at,
      j.finished_at, j.worker, j.request_id
    from plinth.background_jobs j join plinth.tenants t on t.id = j.tenant_id
    where (${status}::text is null and j.status in ('scheduled', 'waiting', 'held', 'queued', 'running', 'dead') or j.status = ${status}::text)
      and (${type}::text is null or j.type = ${type}::text)
      and (${tenant}::text is null or t.slug = ${tenant}::text or t.id::text = lower(${tenant}::text))
    order by j.seq desc limit ${pageSize + 1}::int offset ${offset}::int`
}

function jobOf(row: RawRow): z.input<typeof platformJob> {
  const timeOf = (name: string): string | null => (row[name] === null ? null : isoTime(String(row[name])))
  return {
    id: String(row['id']),
    tenant: { id: String(row['tenant_id']), slug: String(row['slug']) },
    type: String(row['type']),
    status: row['status'] as z.input<typeof platformJob>['status'],
    attempts: Number(row['attempts']),
    maxAttempts: Number(row['max_attempts']),
    createdAt: isoTime(String(row['created_at'])),
    runAt: isoTime(String(row['run_at'])),
    startedAt: timeOf('started_at'),
    finishedAt: timeOf('finished_at'),
    worker: row['worker'] as string | null,
    requestId: String(row['request_id']),
  }
}
