import { MOST, STATES } from './gadgets.ts'

/*
 * What HTTP.md says of writes, in the plainest words there are, over an array. Shares no line with what it judges, its own RFC 7396
 * included.
 */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type Body = Readonly<Record<string, Json>>

export interface Gadget {
  readonly id: string
  version: number
  name: Json
  state: Json
  size: Json
  data: Json
  code: Json
  deleted: boolean
}

export type Operation =
  | { readonly op: 'create'; readonly data: Body }
  | { readonly op: 'update'; readonly id: string; readonly version?: number; readonly data: Body }
  | { readonly op: 'delete'; readonly id: string; readonly version?: number }

/** An answer that is no success: status, code, and where in the body it is wrong. */
export class Refused extends Error {
  readonly status: number
  readonly code: string
  readonly paths: readonly string[] | undefined

  constructor(status: number, code: string, paths?: readonly string[]) {
    super(`${status} ${code} ${paths?.join() ?? ''}`)
    this.status = status
    this.code = code
    this.paths = paths
  }
}

const invalid = (paths: readonly string[]): Refused => new Refused(400, 'validation_failed', paths)

export class Model {
  rows: Gadget[] = []

  /** @param id the one that the server gave; made up where it refuses */
  create(body: Body, id: string): Gadget {
    refuse(faultsOf(body, true))
    const row: Gadget = {
      id,
      version: 1,
      name: body['name']!,
      state: body['state'] ?? 'new',
      size: body['size'] ?? null,
      data: body['data'] ?? null,
      code: body['code'] ?? null,
      deleted: false,
    }
    this.#refuseTaken(row)
    this.rows.push(row)
    return row
  }

  put(id: string, body: Body, version: number | undefined): Gadget {
    refuse(faultsOf(body, true))
    const row = this.#live(id)
    refuseOtherCode(row, body)
    refuseStale(row, version)
    const changed = { ...row, name: body['name']!, state: body['state'] ?? 'new', size: body['size'] ?? null }
    return this.#store(row, { ...changed, data: body['data'] ?? null, version: row.version + 1 })
  }

  patch(id: string, body: Body, version: number | undefined): Gadget {
    refuse(faultsOf(body, false))
    const row = this.#live(id)
    refuseOtherCode(row, body)
    refuseStale(row, version)
    const { code: _, ...given } = only(body)
    if (Object.keys(given).length === 0) return row
    const data = 'data' in given ? merged(row.data, given['data']!) : row.data
    return this.#store(row, { ...row, ...given, data, version: row.version + 1 } as Gadget)
  }

  delete(id: string, version: number | undefined): void {
    const row = this.#live(id)
    refuseStale(row, version)
    this.#store(row, { ...row, deleted: true, version: row.version + 1 })
  }

  restore(id: string): Gadget {
    const row = this.rows.find((each) => each.id === id)
    if (!row) throw new Refused(404, 'not_found')
    if (!row.deleted) throw new Refused(409, 'not_deleted')
    this.#refuseTaken(row)
    return this.#store(row, { ...row, deleted: false, version: row.version + 1 })
  }

  /** All or none. What is wrong with any body is told before anything is done. */
  bulk(operations: readonly Operation[], ids: readonly string[]): readonly (Gadget | undefined)[] {
    refuse(
      operations.flatMap((each, at) =>
        each.op === 'delete'
          ? []
          : faultsOf(each.data, each.op === 'create').map((path) => `/operations/${at}/data${path}`),
      ),
    )
    const before = this.rows.map((row) => ({ ...row }))
    const rows: (Gadget | undefined)[] = []
    for (const [at, each] of operations.entries()) {
      try {
        if (each.op === 'create') rows.push(this.create(each.data, ids[at] ?? `unknown-${at}`))
        else if (each.op === 'update') rows.push(this.patch(each.id, each.data, each.version))
        else {
          this.delete(each.id, each.version)
          rows.push(undefined)
        }
      } catch (error) {
        this.rows = before
        if (!(error instanceof Refused)) throw error
        const paths = error.paths?.map((path) => `/operations/${at}/data${path}`) ?? [`/operations/${at}`]
        throw new Refused(error.status, error.code, paths)
      }
    }
    return rows
  }

  clear(): number {
    const live = this.live()
    for (const row of live) this.#store(row, { ...row, deleted: true, version: row.version + 1 })
    return live.length
  }

  live(): readonly Gadget[] {
    return this.rows.filter((row) => !row.deleted)
  }

  gone(): readonly Gadget[] {
    return this.rows.filter((row) => row.deleted)
  }

  #live(id: string): Gadget {
    const row = this.rows.find((each) => each.id === id)
    if (!row || row.deleted) throw new Refused(404, 'not_found')
    return row
  }

  #store(row: Gadget, changed: Gadget): Gadget {
    if (!changed.deleted) this.#refuseTaken(changed)
    this.rows = this.rows.map((each) => (each === row ? changed : each))
    return changed
  }

  #refuseTaken({ id, name }: Gadget): void {
    if (this.live().some((row) => row.id !== id && row.name === name))
      throw new Refused(409, 'already_exists', ['/name'])
  }
}

const own = ['name', 'state', 'size', 'data', 'code'] as const

function only(body: Body): Record<string, Json> {
  return Object.fromEntries(Object.entries(body).filter(([key]) => (own as readonly string[]).includes(key)))
}

/** JSON pointers of what is wrong with a body by itself. */
function faultsOf(body: Body, whole: boolean): readonly string[] {
  const { name, state, size, code } = body
  const faults: string[] = []
  if (name === undefined ? whole : typeof name !== 'string' || name.length < 1 || name.length > 5) faults.push('/name')
  if (state !== undefined && !(STATES as readonly Json[]).includes(state)) faults.push('/state')
  const fits = typeof size === 'number' && Number.isInteger(size) && size >= 0 && size <= MOST
  if (size !== undefined && size !== null && !fits) faults.push('/size')
  if (code !== undefined && code !== null && typeof code !== 'string') faults.push('/code')
  return faults
}

function refuse(faults: readonly string[]): void {
  if (faults.length > 0) throw invalid(faults)
}

function refuseOtherCode(row: Gadget, body: Body): void {
  if (body['code'] !== undefined && body['code'] !== row.code) throw invalid(['/code'])
}

function refuseStale(row: Gadget, version: number | undefined): void {
  if (version !== undefined && version !== row.version) throw new Refused(412, 'version_mismatch')
}

/** RFC 7396, section 2, as it is written there. */
function merged(target: Json, patch: Json): Json {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const result: Record<string, Json> =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else result[key] = merged(result[key] ?? null, value)
  }
  return result
}
