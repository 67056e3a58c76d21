import type { Connections } from './connections.ts'
import { constantStatement, type Value } from './constant-statement.ts'

/** A row as PostgreSQL printed it: times, jsonb and numeric are text, nothing is parsed only to be printed again. */
export interface ProjectRow {
  readonly id: string
  readonly owner_user_id: string | null
  readonly owner_group_id: string | null
  readonly created_at: string
  readonly updated_at: string
  readonly version: number
  readonly name: string
  readonly status: string
  readonly priority: number
  readonly due_at: string | null
  readonly settings: string
  readonly budget: string | null
  readonly contact_email: string | null
  readonly notes: string | null
}

/** Values of the columns of the table's own, in table order. */
export type Values = readonly [
  name: string,
  status: string,
  priority: number,
  dueAt: string | null,
  settings: string,
  budget: string | null,
  contactEmail: string | null,
  notes: string | null,
]

type Rows = Promise<readonly ProjectRow[]>

/** Each is one statement, prepared, and one commit. Written out twice: without and with row-level security. */
export interface FloorStatements {
  read(tenant: string, id: string): Rows
  page(tenant: string, limit: number, offset: number): Rows
  pageAfter(tenant: string, limit: number, createdAt: string, id: string): Rows
  create(tenant: string, id: string, values: Values): Rows
  /** The same, with a row in an audit table and one in an outbox. */
  createRecorded(tenant: string, id: string, values: Values): Rows
  /** The row if it has this version (null: any); none where it is not there or newer. */
  rename(tenant: string, id: string, version: number | null, name: string): Rows
}

const columns = `id, owner_user_id, owner_group_id, created_at, updated_at, version,
  name, status, priority, due_at, settings, budget, contact_email, notes`
/**
 * Behind a sub-select the planner does not see which tenant it is, or where the page begins. Seeing it, it finds the plan for
 * this one cheaper than the kept plan for any, and plans each page anew: the same plan every time, for 80 µs (tried on 18.4).
 */
const ANY_TENANT = `tenant_id = (select $1::text::uuid)`
const inserted = `insert into projects (tenant_id, id, name, status, priority, due_at, settings, budget, contact_email, notes)`
// Text for all: a driver that guesses types from values would prepare the same statement more than once.
const given = `$1::text::uuid, $2::text::uuid, $3, $4, $5::int4, $6::text::timestamptz, $7::text::jsonb, $8::text::numeric, $9, $10`
const recorded = `insert into bench.records (tenant_id, id, row_id, event, actor_kind, actor_id, request_id, version, before, after, time)
  select tenant_id, gen_random_uuid(), id, 'created', 'service', 'bench', $11, version, null, to_jsonb(made) - 'contact_email', created_at from made`
const event = `insert into bench.events (tenant_id, id, type, key, data, actor_kind, actor_id, request_id, occurred_at)
  select tenant_id, gen_random_uuid(), 'project.created', 'project:' || id, to_jsonb(made) - 'contact_email', 'service', 'bench', $11, created_at from made`
const newest = `order by created_at desc, id desc`
const after = `(created_at, id) < ((select $2::text::timestamptz), (select $3::text::uuid))`

/** The tenant as an explicit condition and nothing else. The login must be exempt from row-level security. */
export function plainStatements(connections: Connections): FloorStatements {
  const own = `from projects where tenant_id = $1::text::uuid`
  const listed = `from projects where ${ANY_TENANT}`
  return statements(connections, {
    read: `select ${columns} ${own} and id = $2::text::uuid`,
    first: (limit) => `select ${columns} ${listed} ${newest} limit ${limit}`,
    page: (limit) => `select ${columns} ${listed} ${newest} limit ${limit} offset $2::int4`,
    pageAfter: (limit) => `select ${columns} ${listed} and ${after} ${newest} limit ${limit}`,
    create: `${inserted} values (${given}) returning ${columns}`,
    createRecorded: `with made as (${inserted} values (${given}) returning *),
      r as (${recorded}), e as (${event})
      select ${columns} from made`,
    rename: `update projects set name = $4, version = version + 1, updated_at = now()
      where tenant_id = $1::text::uuid and id = $2::text::uuid and ($3::int4 is null or version = $3::int4) returning ${columns}`,
  })
}

/**
 * The tenant as a condition and as the setting that forced row-level security reads, in one statement. `c.t is not null`
 * inside is what makes the reading wait for the setting (PROTOTYPE.md §3).
 */
export function securedStatements(connections: Connections): FloorStatements {
  const set = `with c as materialized (select set_config('plinth.tenant', $1::text, true) t)`
  const own = `from projects where c.t is not null and tenant_id = $1::text::uuid`
  const listed = `from projects where c.t is not null and ${ANY_TENANT}`
  const read = (inner: string): string => `${set} select p.* from c cross join lateral (${inner}) p`
  const made = `made as (${inserted} select ${given} from c where c.t is not null returning *)`
  return statements(connections, {
    read: read(`select ${columns} ${own} and id = $2::text::uuid offset 0`),
    first: (limit) => read(`select ${columns} ${listed} ${newest} limit ${limit}`),
    page: (limit) => read(`select ${columns} ${listed} ${newest} limit ${limit} offset $2::int4`),
    pageAfter: (limit) => read(`select ${columns} ${listed} and ${after} ${newest} limit ${limit}`),
    create: `${set}, ${made} select ${columns} from made`,
    createRecorded: `${set}, ${made}, r as (${recorded}), e as (${event}) select ${columns} from made`,
    // From a sub-select and not from a join with c: the planner may read the row before c, and then finds none.
    rename: `${set} update projects set name = $4, version = version + 1, updated_at = now()
      where (select t from c) is not null and tenant_id = $1::text::uuid and id = $2::text::uuid
        and ($3::int4 is null or version = $3::int4) returning ${columns}`,
  })
}

interface Texts {
  readonly read: string
  /** The limit stands in the text: behind a parameter the planner assumes a tenth of the table, and sorts the whole tenant. */
  readonly first: (limit: number) => string
  readonly page: (limit: number) => string
  readonly pageAfter: (limit: number) => string
  readonly create: string
  readonly createRecorded: string
  readonly rename: string
}

function statements(connections: Connections, texts: Texts): FloorStatements {
  const run = (text: string): ((values: readonly Value[]) => Rows) => constantStatement<ProjectRow>(connections, text)
  const read = run(texts.read)
  const first = byLimit((limit) => run(texts.first(limit)))
  const page = byLimit((limit) => run(texts.page(limit)))
  const pageAfter = byLimit((limit) => run(texts.pageAfter(limit)))
  const create = run(texts.create)
  const createRecorded = run(texts.createRecorded)
  const rename = run(texts.rename)
  return {
    read: (tenant, id) => read([tenant, id]),
    page: (tenant, limit, offset) => (offset === 0 ? first(limit)([tenant]) : page(limit)([tenant, offset])),
    pageAfter: (tenant, limit, createdAt, id) => pageAfter(limit)([tenant, createdAt, id]),
    create: (tenant, id, values) => create([tenant, id, ...values]),
    createRecorded: (tenant, id, values) => createRecorded([tenant, id, ...values, crypto.randomUUID()]),
    rename: (tenant, id, version, name) => rename([tenant, id, version, name]),
  }
}

function byLimit<T>(make: (limit: number) => T): (limit: number) => T {
  const made = new Map<number, T>()
  return (limit) => {
    const known = made.get(limit) ?? make(limit)
    made.set(limit, known)
    return known
  }
}
