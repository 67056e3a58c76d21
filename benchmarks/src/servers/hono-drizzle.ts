import { serve } from '@hono/node-server'
import { drizzle } from 'drizzle-orm/postgres-js'
import { Hono } from 'hono'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'
import { rowReader } from '../access/row-reader.ts'
import { report, serverSetting } from './child.ts'
import { connect } from './connections.ts'
import { prepareQueries } from './hono-drizzle-queries.ts'
import { events, projects, records } from './hono-drizzle-table.ts'
import { tokenReader } from './tokens.ts'
import { uuidv7 } from './uuidv7.ts'

/*
 * A careful application without Plinth: every query prepared, every input validated, an explicit tenant condition in every
 * query and no row-level security behind it.
 */
const setting = serverSetting()
const connections = connect(setting.databaseUrl)
const databases = connections.all.map((client) => {
  const db = drizzle(client)
  return { db, queries: prepareQueries(db) }
})
let turn = 0
const next = (): (typeof databases)[number] => databases[(turn = (turn + 1) % databases.length)]!
const tenantOf = tokenReader(setting.tenants)
// Who may read which row, where the comparison is of that: variant `casl` or `casbin`.
const mayRead = await rowReader(setting, connections.next())

const idSchema = z.guid()
const draftSchema = z.object({
  name: z.string().min(2).max(120),
  status: z.enum(['draft', 'live', 'archived']).default('draft'),
  priority: z.int().default(0),
  dueAt: z.iso
    .datetime()
    .transform((text) => new Date(text))
    .nullable()
    .default(null),
  settings: z.json().default({}),
  budget: z
    .string()
    .regex(/^-?\d{1,10}(\.\d{1,2})?$/)
    .nullable()
    .default(null),
  contactEmail: z.string().max(320).nullable().default(null),
  notes: z.string().max(10_000).nullable().default(null),
})
const patchSchema = z.object({ name: z.string().min(2).max(120) })
const listSchema = z.object({
  page: z.coerce.number().int().min(1).default(1),
  pageSize: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z.string().optional(),
})
const cursorSchema = z.tuple([z.iso.datetime(), z.guid()])

const app = new Hono<{ Variables: { tenant: string } }>()

app.use('/api/*', async (context, next) => {
  const tenant = tenantOf(context.req.header('authorization'))
  if (tenant === undefined) return context.json({ status: 401 }, 401)
  context.set('tenant', tenant)
  return next()
})

app.get('/api/v1/projects/:id', async (context) => {
  const id = idSchema.safeParse(context.req.param('id'))
  if (!id.success) return context.json({ status: 404 }, 404)
  const [row] = await next().queries.read.execute({ tenant: context.get('tenant'), id: id.data })
  if (!row || (mayRead && !mayRead(context.get('tenant'), row.id))) return context.json({ status: 404 }, 404)
  return context.json(row, 200, { etag: tagOf(row) })
})

app.get('/api/v1/projects', async (context) => {
  const query = listSchema.safeParse(context.req.query())
  if (!query.success) return context.json({ status: 400, errors: query.error.issues }, 400)
  const { page, pageSize, cursor } = query.data
  const common = { tenant: context.get('tenant'), limit: pageSize + 1 }
  let rows
  if (cursor === undefined) rows = await next().queries.page.execute({ ...common, offset: (page - 1) * pageSize })
  else {
    const after = cursorSchema.safeParse(JSON.parse(Buffer.from(cursor, 'base64url').toString()))
    if (!after.success) return context.json({ status: 400 }, 400)
    rows = await next().queries.pageAfter.execute({ ...common, createdAt: after.data[0], after: after.data[1] })
  }
  const hasMore = rows.length > pageSize
  const data = hasMore ? rows.slice(0, pageSize) : rows
  const last = data.at(-1)
  const nextCursor =
    hasMore && last ? Buffer.from(JSON.stringify([last.createdAt, last.id])).toString('base64url') : null
  return context.json({ data, page: { page: cursor === undefined ? page : null, pageSize, hasMore, nextCursor } })
})

app.post('/api/v1/projects', async (context) => {
  const draft = draftSchema.safeParse(await context.req.json())
  if (!draft.success) return context.json({ status: 400, errors: draft.error.issues }, 400)
  const [row] = await next().queries.create.execute({ tenant: context.get('tenant'), id: uuidv7(), ...draft.data })
  return context.json(row!, 201, { etag: tagOf(row!), location: `/api/v1/projects/${row!.id}` })
})

// Prepared queries belong to a connection of Drizzle's own choice, and a transaction has another one: here each is built anew.
app.post('/api/v1/recorded-projects', async (context) => {
  const draft = draftSchema.safeParse(await context.req.json())
  if (!draft.success) return context.json({ status: 400, errors: draft.error.issues }, 400)
  const tenantId = context.get('tenant')
  const made = await next().db.transaction(async (transaction) => {
    const [inserted] = await transaction
      .insert(projects)
      .values({ tenantId, id: uuidv7(), ...draft.data })
      .returning()
    const { tenantId: _, ...row } = inserted!
    const { contactEmail: _personal, ...shown } = row
    const common = { tenantId, actorKind: 'service', actorId: 'bench', requestId: crypto.randomUUID() }
    const { id, version, createdAt } = row
    await transaction
      .insert(records)
      .values({ ...common, id: uuidv7(), rowId: id, event: 'created', version, after: shown, time: createdAt })
    await transaction.insert(events).values({
      ...common,
      id: uuidv7(),
      type: 'project.created',
      key: `project:${id}`,
      data: shown,
      occurredAt: createdAt,
    })
    return row
  })
  return context.json(made, 201, { etag: tagOf(made), location: `/api/v1/projects/${made.id}` })
})

app.patch('/api/v1/projects/:id', async (context) => {
  const id = idSchema.safeParse(context.req.param('id'))
  if (!id.success) return context.json({ status: 404 }, 404)
  const patch = patchSchema.safeParse(await context.req.json())
  if (!patch.success) return context.json({ status: 400, errors: patch.error.issues }, 400)
  const wanted = context.req.header('if-match')
  const key = { tenant: context.get('tenant'), id: id.data }
  const version = wanted === undefined ? null : Number.parseInt(wanted.slice(1))
  const [row] = await next().queries.rename.execute({ ...key, version, name: patch.data.name })
  if (row) return context.json(row, 200, { etag: tagOf(row) })
  const [there] = await next().queries.read.execute(key)
  return there ? context.json({ status: 412 }, 412) : context.json({ status: 404 }, 404)
})

function tagOf(row: { readonly version: number }): string {
  return `"${row.version}-000000"`
}

const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, (address: AddressInfo) =>
  report(address.port, async () => {
    server.close()
    await connections.end()
  }),
)
