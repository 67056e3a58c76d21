import type { LoadPlan, PlannedRequest } from './load/messages.ts'
import type { BenchTenant } from './servers/messages.ts'
import { asked, callerTokens, ROWS_RENAMED, writing } from './database/tenants.ts'

export type WorkloadName = 'w1' | 'w2-first' | 'w2-deep' | 'w2-keyset' | 'w3' | 'w3-both' | 'w3-callers' | 'patch'

export interface Workload {
  readonly name: WorkloadName
  readonly title: string
  readonly writes: boolean
  readonly plan: (target: Target) => Promise<LoadPlan>
}

/** A running server and what its database holds. */
export interface Target {
  readonly port: number
  readonly tenants: readonly BenchTenant[]
  /** Ids of rows by slug of the tenant. */
  readonly ids: ReadonlyMap<string, readonly string[]>
  /** Where rows are created together with an audit row and an event. */
  readonly recordedPath: string
  /** Resolves when the server has done what it does after its answers. */
  readonly drained: () => Promise<void>
}

const base = '/api/v1/projects'
/** Row 900 of the newest: deep enough that an offset must read and throw away forty pages. */
export const DEEP_PAGE = 46
export const PAGE_BEFORE_KEYSET = 9

export const workloads: readonly Workload[] = [
  { name: 'w1', title: 'W1: read one by id', writes: false, plan: reads },
  {
    name: 'w2-first',
    title: 'W2: page of 20, the first',
    writes: false,
    plan: (target) => pages(target, () => Promise.resolve('')),
  },
  {
    name: 'w2-deep',
    title: 'W2: page of 20 at offset 900',
    writes: false,
    plan: (target) => pages(target, () => Promise.resolve(`?page=${DEEP_PAGE}`)),
  },
  {
    name: 'w2-keyset',
    title: 'W2: page of 20 by cursor at row 900',
    writes: false,
    plan: (target) => pages(target, keyset),
  },
  { name: 'w3', title: 'W3: create, nothing recorded', writes: true, plan: (target) => creates(target, base) },
  {
    name: 'w3-both',
    title: 'W3: create with an audit row and an event',
    writes: true,
    plan: (target) => creates(target, target.recordedPath),
  },
  { name: 'patch', title: 'PATCH one field with If-Match', writes: true, plan: renames },
]

/** Each request by another caller of the same tenant, as many as there are connections: what one caller's have in common they have not. */
export const createsOfMany: Workload = {
  name: 'w3-callers',
  title: 'W3: create, each by another caller',
  writes: true,
  plan: (target) => creates(target, base, callerTokens(writing)),
}

function reads({ tenants, ids }: Target): Promise<LoadPlan> {
  const random = randomFrom(7)
  const requests = Array.from({ length: 2_000 }, (_, index): PlannedRequest => {
    const tenant = tenantOf(tenants, asked[index % asked.length]!)
    const own = ids.get(tenant.slug)!
    return { method: 'GET', path: `${base}/${own[Math.floor(random() * own.length)]!}`, token: tenant.token }
  })
  return Promise.resolve({ kind: 'fixed', requests })
}

async function pages(
  { port, tenants }: Target,
  query: (port: number, token: string) => Promise<string>,
): Promise<LoadPlan> {
  const requests: PlannedRequest[] = []
  for (const slug of asked) {
    const { token } = tenantOf(tenants, slug)
    requests.push({ method: 'GET', path: `${base}${await query(port, token)}`, token })
  }
  return { kind: 'fixed', requests }
}

/** Cursors are a server's own: it is asked for one. */
export async function keyset(port: number, token: string): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}${base}?page=${PAGE_BEFORE_KEYSET}&pageSize=100`, {
    headers: { authorization: `Bearer ${token}` },
  })
  const { page } = (await answer.json()) as { page: { nextCursor: string } }
  return `?cursor=${encodeURIComponent(page.nextCursor)}`
}

function creates(
  { tenants }: Target,
  path: string,
  tokens: readonly string[] = [tenantOf(tenants, writing).token],
): Promise<LoadPlan> {
  const requests = Array.from({ length: 64 }, (_, index): PlannedRequest => ({
    method: 'POST',
    path,
    token: tokens[index % tokens.length]!,
    body: JSON.stringify(draft(index)),
  }))
  return Promise.resolve({ kind: 'fixed', requests })
}

/** A body of about 330 bytes with a value of every kind. */
export function draft(index: number) {
  return {
    name: `New project ${index}`,
    status: (['draft', 'live', 'archived'] as const)[index % 3]!,
    priority: index % 10,
    dueAt: '2027-03-01T12:30:00.000Z',
    settings: { colour: 'blue', retries: index, tags: ['one', 'two'], nested: { on: true } },
    budget: `${1_000 + index}.50`,
    contactEmail: `person${index}@example.com`,
    notes: 'Words about the project, as people write them into such a field.',
  }
}

async function renames({ port, tenants, ids }: Target): Promise<LoadPlan> {
  const { token } = tenantOf(tenants, writing)
  const own = ids.get(writing)!.slice(0, ROWS_RENAMED)
  const rows = []
  for (const id of own) {
    const path = `${base}/${id}`
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { authorization: `Bearer ${token}` } })
    await answer.arrayBuffer()
    rows.push({ path, token, etag: answer.headers.get('etag') ?? '' })
  }
  return { kind: 'rename', rows }
}

function tenantOf(tenants: readonly BenchTenant[], slug: string): BenchTenant {
  const tenant = tenants.find((one) => one.slug === slug)
  if (!tenant) throw new Error(`no tenant ${slug}`)
  return tenant
}

/** The same rows in every run and for every server (a linear congruential generator). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => (state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32) / 2 ** 32
}
