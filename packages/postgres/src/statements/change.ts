import {
  databaseDefault,
  type ChangeOperation,
  type Condition,
  type FieldInfo,
  type Scope,
  type UpdateOperation,
} from '@plinth/core'
import { toSql } from '../conditions/to-sql.ts'
import { columnType } from './column-types.ts'
import { madeValue } from './made-value.ts'
import type { Printing } from './printing.ts'
import { identifier } from './quote.ts'
import { andCondition, BARRIER } from './read.ts'
import { resourceSql } from './resource-sql.ts'
import { rowColumn } from './row-json.ts'
import { scopeClause, scopedStatement } from './scope-clause.ts'
import type { Printed, Statement } from './statement.ts'
import { beginWrite, writeNames, type WriteHead, type WriteNames } from './write-clause.ts'

/*
 * A change is one statement: `b` locks the row and reads it as it is now (a waiting statement reads what the one before it
 * committed), `n` changes it if the principal may and the version is the one he saw, then come records and event. `n` names
 * tenant and id as constants again: found by joining `b`'s keys alone it cost 932 µs instead of 115. The policy is tested when
 * `n` begins, so `c` must have run by then; it has, because the last select reads `b` first (a left join on true can only be
 * a nested loop over its left side).
 */

/** Instead of an id, for a row that was seen and not changed. No key holds a question mark. */
const STALE = '?stale'
const DENIED = '?denied'
/** Asked to be restored, and never deleted. */
const LIVE = '?live'
/** Name of no column that a table could have by accident. */
const ALLOWED = identifier('?allowed')

export function printUpdate(operation: UpdateOperation, scope: Scope, printing: Printing): Printed {
  const { values } = operation
  const change = beginChange(operation, 'update', scope, printing)
  const { statement, names, sql } = change
  let given = ''
  const set: (() => string)[] = []
  const put = (field: FieldInfo, value: string | null | typeof databaseDefault): void => {
    const placeholder = value === databaseDefault ? undefined : statement.add(value)
    given += placeholder === undefined ? `${field.key}=default,` : `${field.key},`
    set.push(
      () =>
        `, ${identifier(field.sqlName)} = ${placeholder === undefined ? 'default' : columnType(field.column).store(placeholder)}`,
    )
  }
  for (const [field, value] of values) put(field, value)
  for (const field of sql.renewed) if (!values.has(field)) put(field, madeValue(field, field.column.onUpdateFn))
  const write = (): string =>
    `update ${change.table} p set version = p.version + 1, updated_at = ${names.now}${set.map((print) => print()).join('')} from b`
  return finish(change, printing, 'varied', `update ${given}`, write, 'no key update')
}

/** Soft where the resource says so: the row stays, with the time at which it went. */
export function printDelete(operation: ChangeOperation, scope: Scope, printing: Printing): Printed {
  const change = beginChange(operation, 'delete', scope, printing)
  const { sql, names } = change
  const { deletedAt } = sql
  if (!deletedAt)
    return finish(
      { ...change, beside: `${change.beside}${printing.entriesGone(operation.resource)}` },
      printing,
      'fixed',
      'delete',
      () => `delete from ${change.table} p using b`,
      'update',
    )
  const write = (): string => `${softly(change.table, deletedAt, names)} from b`
  return finish(change, printing, 'fixed', 'delete', write, 'no key update')
}

/** The `update … set …` that takes a row away softly. */
export function softly(table: string, deletedAt: FieldInfo, names: WriteNames): string {
  const time = columnType(deletedAt.column).family === 'zoneless' ? `(${names.now} at time zone 'UTC')` : names.now
  return `update ${table} p set ${identifier(deletedAt.sqlName)} = ${time}, version = p.version + 1, updated_at = ${names.now}`
}

/** The one that brings it back. */
export function unsoftly(table: string, deletedAt: FieldInfo, names: WriteNames): string {
  return `update ${table} p set ${identifier(deletedAt.sqlName)} = null, version = p.version + 1, updated_at = ${names.now}`
}

/** Brings a softly deleted row back. A row that was never deleted is found as well, to be told apart from one that is not there. */
export function printRestore(operation: ChangeOperation, scope: Scope, printing: Printing): Printed {
  const change = beginChange(operation, 'update', scope, printing)
  const { sql, names } = change
  const { deletedAt } = sql
  if (!deletedAt) throw new Error(`${operation.resource.name} is not deleted softly, so there is nothing to restore`)
  const write = (): string => `${unsoftly(change.table, deletedAt, names)} from b`
  return finish(change, printing, 'fixed', 'restore', write, 'no key update', deletedAt)
}

interface Change {
  readonly operation: ChangeOperation
  readonly sql: ReturnType<typeof resourceSql>
  readonly table: string
  readonly statement: Statement
  readonly names: WriteNames
  readonly head: WriteHead
  readonly beside: string
  readonly print: (condition: Condition) => string
}

function beginChange(
  operation: ChangeOperation,
  kind: 'update' | 'delete',
  scope: Scope,
  { records, withFacts, tableOf }: Printing,
): Change {
  const { resource } = operation
  const beside = records.beside(resource, kind, operation.event)
  const sql = resourceSql(resource)
  const { statement, head } = beginWrite(
    scope,
    operation.id,
    sql.key,
    operation.event,
    withFacts,
    records.written(beside),
  )
  const print = (condition: Condition): string => toSql(condition, resource, scope.facts, statement, 'p', 'one row')
  return {
    operation,
    sql,
    table: tableOf(resource),
    statement,
    names: writeNames(withFacts, sql.key),
    head,
    beside,
    print,
  }
}

/**
 * Zero rows: missing. Else the row after the change, or why there is none in the place of its id.
 * @param key what is written, as a short text
 */
function finish(
  change: Change,
  { records, texts }: Printing,
  shape: Printed['shape'],
  key: string,
  write: () => string,
  lock: string,
  deleted?: FieldInfo,
): Printed {
  const { operation, sql, statement, names, print } = change
  const { resource } = operation
  const visible = andCondition(operation.visible, print)
  const allowed = print(operation.allowed)
  const version =
    operation.ifVersion === undefined ? '' : ` and b.version = ${seenVersion(operation.ifVersion, statement)}`
  const hearing = records.hearing(`${resource.name}.${operation.event}`)
  const text = texts.get(`${key} ${resource.name} ${hearing}${visible} & ${allowed}${version}`, () => {
    const row = `p.tenant_id = $1::uuid and p.id = ${names.id}`
    const gone = deleted === undefined ? '' : ` and b.${identifier(deleted.sqlName)} is not null`
    // Without `gone`, a row that was seen, allowed and of the right version is changed.
    const unchanged =
      deleted === undefined ? `'${STALE}'` : `case when true${version} then '${LIVE}' else '${STALE}' end`
    return change.head(
      `, b as materialized (select p.* from c cross join lateral (select p.*, ${allowed} as ${ALLOWED}${rowColumn(resource, 'b', change.beside)} from ${change.table} p where c.t is not null and ${row}${deleted === undefined ? sql.live : ''}${visible} for ${lock} of p) p)` +
        `, n as (${write()} where ${row} and b.${ALLOWED}${version}${gone} returning p.*${rowColumn(resource, 'n', change.beside)})${change.beside}` +
        ` select coalesce(n.id::text, case when b.${ALLOWED} then ${unchanged} else '${DENIED}' end) as "id", ${sql.changed} from b left join n on true`,
    )
  })
  return { text, parameters: statement.parameters, shape }
}

/** What a change of nothing would answer, without a lock and without a write. */
export function printProbe(operation: ChangeOperation, scope: Scope, { withFacts, texts, tableOf }: Printing): Printed {
  const { resource } = operation
  const statement = scopedStatement(scope, withFacts)
  const id = statement.add(operation.id)
  const print = (condition: Condition): string => toSql(condition, resource, scope.facts, statement, 'p', 'one row')
  const allowed = print(operation.allowed)
  const stale =
    operation.ifVersion === undefined
      ? ''
      : ` when p.version <> ${seenVersion(operation.ifVersion, statement)} then '${STALE}'`
  const visible = andCondition(operation.visible, print)
  const text = texts.get(`probe ${resource.name} ${allowed}${stale}${visible}`, () => {
    const sql = resourceSql(resource)
    return `${scopeClause(withFacts)} select p.* from c cross join lateral (select case when ${allowed} is not true then '${DENIED}'${stale} else p.id::text end as "id", ${sql.unchanged} from ${tableOf(resource)} p where c.t is not null and p.tenant_id = $1::uuid and p.id = ${sql.key(id)}${sql.live}${visible}${BARRIER}) p`
  })
  return { text, parameters: statement.parameters, shape: 'fixed' }
}

/** `If-Match` may hold any number. One that no int4 is matches no row, and the outcomes must still be told apart. */
function seenVersion(version: number, statement: Statement): string {
  return `${statement.add(Number.isInteger(version) && version > 0 && version < 2 ** 31 ? version : -1)}::int`
}

const outcomes = new Map<string, 'stale' | 'denied' | 'live'>([
  [STALE, 'stale'],
  [DENIED, 'denied'],
  [LIVE, 'live'],
])

/** The outcome that stands in the id of a change's row, or undefined where it is the id. */
export function outcomeOf(id: unknown): 'stale' | 'denied' | 'live' | undefined {
  return typeof id === 'string' ? outcomes.get(id) : undefined
}
