import { z } from 'zod'
import { validate } from '../input/validate.ts'
import { isObject } from '../input/merge-patch.ts'
import { matchVersion } from '../output/conditional.ts'
import type { TextAnswer } from '../pipeline/answer.ts'
import type { Call } from '../pipeline/call.ts'
import type { Transaction } from '../ports/database.ts'
import { fieldOf, type ResourceInfo } from '../resource/resource-info.ts'
import { rowAnswer } from '../routes/resource/written-row.ts'
import { concernsTemplates, holdTemplates } from '../template/settle.ts'
import { changedRow } from '../write/changed-row.ts'
import type { Link } from './link.ts'
import { MOST_LINKED, setLinks } from './set-links.ts'

type Handle = (call: Call) => Promise<TextAnswer>

/** The body's schema with the sets of ids that a resource's links take. */
export function withLinkIds(schema: z.ZodObject, links: readonly Link[]): z.ZodObject {
  if (links.length === 0) return schema
  const members = links.map((link) => [link.idsKey, idsOf(link).optional()] as const)
  return schema.extend(Object.fromEntries(members)).meta({ ...schema.meta() })
}

function idsOf({ name, target }: Link): z.ZodType<string[]> {
  const id = fieldOf(target, 'id')
  return z
    .array(id.kind.schema(id.column) as z.ZodType<string>)
    .max(MOST_LINKED)
    .meta({
      description: `The ${name} of this row, as a set: what is not named is untied`,
      'x-references': target.path,
    })
}

/**
 * A create, PUT or PATCH that may also say which rows are tied to this one. Without such a key in the body it is what it was; with one,
 * the row and its ties are written in one transaction. The row counts as changed by it: its version grows, so that
 * `If-Match` protects the set too.
 */
export function handleWithLinks(handle: Handle, links: readonly Link[]): Handle {
  if (links.length === 0) return handle
  return async (call) => {
    if (!isObject(call.body)) return handle(call)
    const given = links.filter((link) => Object.hasOwn(call.body as object, link.idsKey))
    if (given.length === 0) return handle(call)
    const shape = z.object(Object.fromEntries(given.map((link) => [link.idsKey, idsOf(link)])))
    const sets = validate(shape, call.body) as Readonly<Record<string, readonly string[]>>
    const keys = new Set(given.map((link) => link.idsKey))
    const body = Object.fromEntries(Object.entries(call.body).filter(([key]) => !keys.has(key)))
    return call.transact((transaction) => write(handle, { ...call, body }, transaction, given, sets))
  }
}

async function write(
  handle: Handle,
  call: Call,
  transaction: Transaction,
  given: readonly Link[],
  sets: Readonly<Record<string, readonly string[]>>,
): Promise<TextAnswer> {
  const { resource } = call.request.route
  const known = call.parameters.id
  // Two sets for one row at the same time: the second waits here, and sees what the first one left. Whether the row is there is said in
  // its turn, after the body.
  const { registry } = call.platform
  // Templates are held before any row, or two requests could wait for each other.
  if (concernsTemplates(registry, resource, resource.fields)) await holdTemplates(registry, resource, transaction)
  const locked =
    known === undefined ? undefined : await transaction.lock({ resource, id: known, visible: call.visible })
  const within = (work: (transaction: Transaction) => Promise<TextAnswer>): Promise<TextAnswer> => work(transaction)
  const answer = await handle({ ...call, session: transaction, write: within as Call['write'], transact: within })
  const row = JSON.parse(answer.body!) as { readonly id: string; readonly version?: number }
  let changed = false
  for (const link of given) changed = (await setLinks(call, transaction, link, row.id, sets[link.idsKey]!)) || changed
  const before = known === undefined ? undefined : matchVersion(call.headers['if-match'])
  // Asked of the row, not of the body: one that holds nothing but ties and fields that are stripped writes no row either.
  return changed && locked && String(row.version) === String(locked['version'])
    ? touch(call, transaction, resource, row.id, before)
    : answer
}

/** A PATCH that changed nothing but ties: the row itself is written too. */
async function touch(
  call: Call,
  transaction: Transaction,
  resource: ResourceInfo,
  id: string,
  ifVersion: number | undefined,
): Promise<TextAnswer> {
  const { visible, allowed } = call
  const result = await transaction.update({
    resource,
    id,
    visible,
    allowed,
    ifVersion,
    event: 'updated',
    values: new Map(),
  })
  const row = changedRow(result, `${resource.name}:update`)
  return rowAnswer(call, transaction, resource, row)
}
