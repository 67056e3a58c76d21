import { writableFields, type Registry, type ResourceInfo } from '@plinth/core'
import type { Send, WireRequest } from '../http/wire.ts'
import type { TestTenant } from '../platform/actors.ts'
import { isSharedColumn } from '../tenants/fit-templates.ts'
import { madeValue } from '../tenants/marks.ts'
import { seededRandom } from '../random/seeded-random.ts'
import type { SeededRow, SeededRows } from '../tenants/seed-rows.ts'
import type { LeakActor } from './leak-actor.ts'
import type { StoredWords } from './stored-words.ts'
import { readStates } from './template-requests.ts'

/** All that an attacker may have: ids of the victim, and whatever the victim's own traffic has shown. */
export interface Knowledge {
  readonly registry: Registry
  readonly attacker: TestTenant
  readonly victim: TestTenant
  readonly attackerRows: SeededRows
  readonly victimRows: SeededRows
  /** Cursors that the victim was given, with the query they belong to. */
  readonly cursors: readonly { readonly resource: ResourceInfo; readonly search: string; readonly cursor: string }[]
  /** ETags that the victim was given. */
  readonly etags: readonly { readonly resource: ResourceInfo; readonly id: string; readonly etag: string }[]
  /** Requests of the victim's `shared` actor that carried an Idempotency-Key. */
  readonly keyed: readonly { readonly resource: ResourceInfo; readonly key: string; readonly request: WireRequest }[]
  /** Ids that the server made for the victim: nobody told the attacker, and no answer may. */
  readonly secretIds: readonly string[]
  /** `state` of the re-sync preview, of the attacker's own rows by id. */
  readonly states: ReadonlyMap<string, string>
  /** What all rows of each hold, those of people beyond the tenant included. */
  readonly words: { readonly victim: StoredWords; readonly attacker: StoredWords }
  /** UUIDs that are in the victim's rows alone. */
  readonly foreignIds: ReadonlySet<string>
  /** Marks that stand in built-in rows, which every tenant has: their versions are digests, and some look like a mark. */
  readonly common: ReadonlySet<string>
  /** Who attacks beside the actors of the test platform. */
  readonly people: readonly LeakActor[]
  /** The host name that names a tenant, where host names do. */
  readonly hostOf: ((slug: string) => string) | undefined
}

/** What is known once the rows of both are. */
type Gathered = Omit<Knowledge, 'words' | 'foreignIds' | 'common' | 'people' | 'hostOf'>

export function rowsOf(rows: SeededRows, resource: ResourceInfo): readonly SeededRow[] {
  // Another view of a resource has another name and the same rows.
  return rows.get(resource.name) ?? rows.get(resource.declaration.name ?? '') ?? []
}

/** Lets the victim work for a while: reads, pages, writes under keys. What it was answered is what the attacker may know. */
export async function gatherKnowledge(
  send: Send,
  given: Pick<Knowledge, 'registry' | 'attacker' | 'victim' | 'attackerRows' | 'victimRows'>,
): Promise<Gathered> {
  const { registry, victim, victimRows } = given
  const authorization = ['authorization', `Bearer ${victim.actors.shared.token}`] as const
  const get = (target: string): ReturnType<Send> => send({ method: 'GET', target, headers: [authorization] })
  const cursors: Knowledge['cursors'][number][] = []
  const etags: Knowledge['etags'][number][] = []
  const keyed: Knowledge['keyed'][number][] = []
  const secretIds: string[] = []
  for (const resource of registry.resources) {
    const base = `/api/v1/${resource.path}`
    if (resource.operations.list) {
      for (const search of [
        'pageSize=1',
        'pageSize=2&sort=id',
        'pageSize=1&sort=-updatedAt',
        'pageSize=1&fields=id&count=exact',
      ]) {
        const reply = await get(`${base}?${search}`)
        const page = JSON.parse(reply.body) as { page?: { nextCursor?: string | null } }
        if (page.page?.nextCursor) cursors.push({ resource, search, cursor: page.page.nextCursor })
      }
    }
    if (resource.operations.read) {
      for (const { id, role } of rowsOf(victimRows, resource)) {
        if (role === 'deleted') continue
        const { etag } = (await get(`${base}/${id}`)).headers
        if (etag) etags.push({ resource, id, etag })
      }
    }
    // A value out of a few examples may be one that is taken already: then others are drawn.
    for (let at = 0, made = 0; resource.operations.create && made < 2; at += 1) {
      const key = `victim-${resource.path}-${at}`
      const body = JSON.stringify(sharedDraft(registry, resource, victimRows, key, made))
      const request: WireRequest = {
        method: 'POST',
        target: base,
        body,
        headers: [
          ['content-type', 'application/json'],
          ['idempotency-key', key],
        ],
      }
      const reply = await send({ ...request, headers: [...request.headers, authorization] })
      if (reply.status === 409 && at < 10) continue
      if (reply.status !== 201)
        throw new Error(`the victim could not create a ${resource.name}: ${reply.status} ${reply.body}`)
      made += 1
      const { id } = JSON.parse(reply.body) as { readonly id: string }
      // A name that the client chose is in the body that the attacker sends, too.
      if (!body.includes(id)) secretIds.push(id)
      keyed.push({ resource, key, request })
    }
  }
  const states = await readStates(send, registry, given.attacker, given.attackerRows)
  return { ...given, cursors, etags, keyed, secretIds, states }
}

/**
 * A body that creates a row. Its values are ordinary, because the attacker sends the very same one under the very same key;
 * its parents are twins, because they then exist for both.
 */
function sharedDraft(
  registry: Registry,
  resource: ResourceInfo,
  rows: SeededRows,
  seed: string,
  turn: number,
): Record<string, unknown> {
  const random = seededRandom(seed)
  const draft: Record<string, unknown> = {}
  for (const field of writableFields(resource)) {
    if (isSharedColumn(registry, resource, field.key)) continue
    const parent = field.reference && registry.byTable.get(field.reference.to() as object)
    if (!parent) draft[field.key] = madeValue(field, random, 'attacker')
    else {
      const twins = rowsOf(rows, parent).filter((row) => row.role === 'twin')
      // A table between ties a pair once; the seeded ties are among the first half of the rows.
      const another =
        field.reference!.onDelete === 'cascade' && field !== resource.fields.find((each) => each.reference)
      draft[field.key] = twins[another ? Math.ceil(twins.length / 2) + turn : 0]?.id ?? null
    }
  }
  return draft
}
