import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { uuidv7 } from './uuidv7.ts'
import type { FloorStatements, ProjectRow, Values } from './floor-statements.ts'

const statuses = new Set(['draft', 'live', 'archived'])
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/**
 * What one writes by hand for exactly these routes, with nothing general in it: the least that the work can cost in Node on
 * node:http and postgres.js. It checks what it takes, as little as that may be.
 */
export async function serveFloor(
  db: FloorStatements,
  tenantOf: (authorization: string | undefined) => string | undefined,
): Promise<{ readonly port: number; readonly close: () => void }> {
  const server = createServer((request, response) => {
    answer(db, tenantOf, request, response).catch((error: unknown) => {
      console.error(error)
      send(response, 500, '{"status":500}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as AddressInfo).port, close: () => server.close() }
}

const base = '/api/v1/projects'

async function answer(
  db: FloorStatements,
  tenantOf: (authorization: string | undefined) => string | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const tenant = tenantOf(request.headers.authorization)
  if (tenant === undefined) return send(response, 401, '{"status":401}')
  const url = request.url ?? ''
  if (url.startsWith(`${base}/`)) {
    const id = url.slice(base.length + 1)
    if (!uuid.test(id)) return send(response, 404, '{"status":404}')
    if (request.method === 'GET') return sendRow(response, 200, await db.read(tenant, id))
    if (request.method === 'PATCH') return rename(db, tenant, id, request, response)
  } else if (request.method === 'GET' && (url === base || url.startsWith(`${base}?`))) {
    return list(db, tenant, new URLSearchParams(url.slice(base.length + 1)), response)
  } else if (request.method === 'POST' && (url === base || url === '/api/v1/recorded-projects')) {
    const values = readProject(await readJson(request))
    if (!values) return send(response, 400, '{"status":400}')
    const rows =
      url === base ? await db.create(tenant, uuidv7(), values) : await db.createRecorded(tenant, uuidv7(), values)
    return sendRow(response, 201, rows)
  }
  send(response, 404, '{"status":404}')
}

async function rename(
  db: FloorStatements,
  tenant: string,
  id: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { name } = (await readJson(request)) as { name?: unknown }
  if (typeof name !== 'string' || name.length < 2) return send(response, 400, '{"status":400}')
  const wanted = request.headers['if-match']
  const rows = await db.rename(tenant, id, wanted === undefined ? null : Number.parseInt(wanted.slice(1)), name)
  if (rows.length > 0) return sendRow(response, 200, rows)
  const there = await db.read(tenant, id)
  send(response, there.length > 0 ? 412 : 404, '{}')
}

async function list(
  db: FloorStatements,
  tenant: string,
  query: URLSearchParams,
  response: ServerResponse,
): Promise<void> {
  const limit = Number(query.get('pageSize') ?? 20)
  const page = Number(query.get('page') ?? 1)
  const cursor = query.get('cursor')
  if (!(limit >= 1 && limit <= 100 && page >= 1)) return send(response, 400, '{"status":400}')
  const rows =
    cursor === null
      ? await db.page(tenant, limit + 1, (page - 1) * limit)
      : await pageAfter(db, tenant, limit + 1, cursor)
  const hasMore = rows.length > limit
  const shown = hasMore ? rows.slice(0, limit) : rows
  const last = shown.at(-1)
  const next = hasMore && last ? `"${Buffer.from(`${last.created_at}|${last.id}`).toString('base64url')}"` : 'null'
  const number = cursor === null ? page : null
  send(
    response,
    200,
    `{"data":[${shown.map(print).join(',')}],"page":{"page":${number},"pageSize":${limit},"hasMore":${hasMore},"nextCursor":${next}}}`,
  )
}

function pageAfter(
  db: FloorStatements,
  tenant: string,
  limit: number,
  cursor: string,
): ReturnType<FloorStatements['page']> {
  const [createdAt = '', id = ''] = Buffer.from(cursor, 'base64url').toString().split('|')
  return db.pageAfter(tenant, limit, createdAt, id)
}

function readProject(body: unknown): Values | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const { name, status, priority, dueAt, settings, budget, contactEmail, notes } = body as Record<string, unknown>
  if (typeof name !== 'string' || name.length < 2 || name.length > 120) return undefined
  if (typeof status !== 'string' || !statuses.has(status) || !Number.isInteger(priority)) return undefined
  return [
    name,
    status,
    priority as number,
    textOrNull(dueAt),
    JSON.stringify(settings ?? {}),
    textOrNull(budget),
    textOrNull(contactEmail),
    textOrNull(notes),
  ]
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function readJson(request: IncomingMessage): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let text = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => (text += chunk))
    request.on('error', reject)
    request.on('end', () => {
      try {
        resolve(JSON.parse(text))
      } catch (error) {
        reject(error as Error)
      }
    })
  })
}

function print(row: ProjectRow): string {
  return `{"id":"${row.id}","ownerUserId":${quoted(row.owner_user_id)},"ownerGroupId":${quoted(row.owner_group_id)},"createdAt":${time(row.created_at)},"updatedAt":${time(row.updated_at)},"version":${row.version},"name":${JSON.stringify(row.name)},"status":"${row.status}","priority":${row.priority},"dueAt":${time(row.due_at)},"settings":${row.settings},"budget":${quoted(row.budget)},"contactEmail":${JSON.stringify(row.contact_email)},"notes":${JSON.stringify(row.notes)}}`
}

function quoted(text: string | null): string {
  return text === null ? 'null' : `"${text}"`
}

/** PostgreSQL prints `2026-11-20 20:54:57.107+00` in a session in UTC. */
function time(text: string | null): string {
  return text === null ? 'null' : `"${text.slice(0, 10)}T${text.slice(11, -3)}Z"`
}

function sendRow(response: ServerResponse, status: number, rows: readonly ProjectRow[]): void {
  const [row] = rows
  if (!row) return send(response, 404, '{"status":404}')
  send(response, status, print(row), `"${row.version}-000000"`)
}

function send(response: ServerResponse, status: number, body: string, etag?: string): void {
  const headers: Record<string, string | number> = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  }
  if (etag !== undefined) headers.etag = etag
  response.writeHead(status, headers).end(body)
}
