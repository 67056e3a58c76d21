import { z } from 'zod'
import { PlinthError, problem, type InputFault } from '../errors/plinth-error.ts'
import type { FieldView } from '../fields/field-view.ts'
import { inputSchemas } from '../input/schemas.ts'
import { pointer, storedValues, validate } from '../input/validate.ts'
import type { Stored } from '../ports/database.ts'
import type { FieldInfo, ResourceInfo } from '../resource/resource-info.ts'
import { preparePatch, type PreparedChange } from './change-row.ts'

export type BulkOp = 'create' | 'update' | 'delete'
export const MOST_OPERATIONS = 100
const MOST_FAULTS = 100
/** What each would have answered by itself. */
export const statusOf: Readonly<Record<BulkOp, number>> = { create: 201, update: 200, delete: 204 }

/** One operation of a bulk, validated. */
export type BulkOperation =
  | { readonly op: 'create'; readonly values: ReadonlyMap<FieldInfo, Stored> }
  | {
      readonly op: 'update'
      readonly id: string
      readonly version: number | undefined
      readonly change: PreparedChange
    }
  | { readonly op: 'delete'; readonly id: string; readonly version: number | undefined }

/** What a bulk of this resource may hold. */
export function bulkOps(resource: ResourceInfo): readonly BulkOp[] {
  return (['create', 'update', 'delete'] as const).filter((op) => resource.operations[op])
}

const target = { id: z.string().max(255), version: z.int().min(1).optional() }
const dataSchema = z.record(z.string(), z.unknown())
const forms = {
  create: z.object({ op: z.literal('create'), data: dataSchema }),
  update: z.object({ op: z.literal('update'), ...target, data: dataSchema }),
  delete: z.object({ op: z.literal('delete'), ...target }),
}

/**
 * The operations of a body. First their form, then who may do each (a stranger to an operation is told nothing of its data), then the
 * data of all, every fault at once.
 * @param links fields that a single write takes and a bulk does not: left out in silence, they would be believed
 * @param view what its writer is shown of the fields
 * @param mayDo throws where the operation is done by nobody like him
 * @throws validation_failed with the place of each fault: `/operations/3/data/name`
 */
export function readBulk(
  resource: ResourceInfo,
  body: unknown,
  mayDo: (op: BulkOp) => void,
  links: readonly string[],
  view: FieldView,
): readonly BulkOperation[] {
  const ops = bulkOps(resource)
  const list = z
    .array(z.object({ op: z.enum(ops as [BulkOp, ...BulkOp[]]) }))
    .min(1)
    .max(MOST_OPERATIONS)
  const { operations } = validate(z.object({ operations: list }), body)
  for (const [index, { op }] of operations.entries()) at(index, () => mayDo(op))
  const given = (body as { readonly operations: readonly unknown[] }).operations
  const faults: InputFault[] = []
  const read: BulkOperation[] = []
  for (const [index, { op }] of operations.entries()) {
    try {
      read.push(at(index, () => readOperation(resource, op, given[index], links, view)))
    } catch (error) {
      if (!PlinthError.is(error) || error.code !== 'validation_failed') throw error
      faults.push(...(error.errors ?? []))
    }
  }
  if (faults.length > 0) throw problem('validation_failed', { errors: faults.slice(0, MOST_FAULTS) })
  return read
}

function readOperation(
  resource: ResourceInfo,
  op: BulkOp,
  given: unknown,
  links: readonly string[],
  view: FieldView,
): BulkOperation {
  if (op === 'delete') {
    const { id, version } = validate(forms.delete, given)
    return { op, id, version }
  }
  if (op === 'create') {
    const { data } = validate(forms.create, given)
    inData(() => refuseLinks(data, links))
    const whole = inData(() => validate(inputSchemas(resource).whole, data))
    return { op, values: storedValues(resource, whole) }
  }
  const { id, version, data } = validate(forms.update, given)
  inData(() => refuseLinks(data, links))
  return { op, id, version, change: inData(() => preparePatch(resource, view, data)) }
}

function refuseLinks(data: Readonly<Record<string, unknown>>, links: readonly string[]): void {
  const given = links.filter((key) => Object.hasOwn(data, key))
  if (given.length === 0) return
  const errors = given.map((key) => ({ path: pointer([key]), code: 'not_in_bulk', message: 'Set it row by row' }))
  throw problem('validation_failed', { errors })
}

/** Runs one step of a bulk; what it is refused with names the operation. */
export function at<T>(index: number, work: () => T): T {
  return placing(work, (error) => placed(error, `/operations/${index}`))
}

/** The same for what concerns the data of the operation. */
export function inData<T>(work: () => T): T {
  return placing(work, (error) => (error.errors ? placed(error, '/data') : error))
}

function placing<T>(work: () => T, place: (error: PlinthError) => PlinthError): T {
  const passOn = (error: unknown): never => {
    throw PlinthError.is(error) && error.status < 500 ? place(error) : error
  }
  try {
    const result = work()
    return result instanceof Promise ? (result.catch(passOn) as T) : result
  } catch (error) {
    return passOn(error)
  }
}

function placed(error: PlinthError, path: string): PlinthError {
  const { code, status, title, detail, headers } = error
  const errors = error.errors
    ? error.errors.map((fault) => ({ ...fault, path: path + fault.path }))
    : [{ path, code, message: detail ?? title }]
  // The cause is kept: the transaction looks there for what a repetition can cure.
  const details = { errors, headers, cause: error, ...(detail === undefined ? {} : { detail }) }
  return new PlinthError(code, { status, title, help: '' }, details)
}
