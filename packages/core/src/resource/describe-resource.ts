import { getTableConfig, type PgColumn, type PgTable } from 'drizzle-orm/pg-core'
import { getTableColumns } from 'drizzle-orm'
import { singularize } from 'inflection'
import { z } from 'zod'
import { cacheSecondsOf } from '../cache/verify-cache.ts'
import { readDuration } from '../duration/read-duration.ts'
import { keyKindOf } from '../columns/key-kinds.ts'
import { kindOf, LONGEST_TEXT, supportedColumnTypes } from '../columns/kinds.ts'
import type { StartupFault } from '../errors/startup-error.ts'
import { fieldModel } from '../fields/field-permission.ts'
import { camelCase, kebabCase } from '../table/snake-case.ts'
import { PLATFORM_COLUMNS, tableFacts } from '../table/resource-table.ts'
import { drizzleTable } from '../table/types.ts'
import { factsOf } from '../template/implied-facts.ts'
import { annotate } from './annotate.ts'
import type { Resource } from './define-resource.ts'
import { verifyHooks } from './hooks.ts'
import { operationNames, settleOperations, SHARE, verbsOf } from './operations.ts'
import type { FieldFacts } from './field-facts.ts'
import { withoutReserved } from './reserved-ids.ts'
import { verifyKey } from './verify-key.ts'
import { codeAlone, type FieldInfo, type ResourceInfo } from './resource-info.ts'

type LooseFacts = Omit<FieldFacts<never>, 'schema'> & { readonly schema?: (column: z.ZodType) => z.ZodType }

const factNames = new Set([
  'schema',
  'filter',
  'sort',
  'search',
  'hidden',
  'secret',
  'immutable',
  'readOnly',
  'restricted',
  'personal',
  'description',
])
const platform = new Set<string>(PLATFORM_COLUMNS)
/** What every list may be filtered by. */
const filteredBy = new Set(['id', 'createdAt', 'updatedAt', 'ownerUserId', 'ownerGroupId'])

/**
 * Settles everything about a resource. Collects every fault instead of throwing at the first, each with the path in the
 * declaration and the line that mends it.
 */
export function describeResource(
  declaration: Resource,
  origin: ResourceInfo['origin'],
  faults: StartupFault[],
): ResourceInfo | undefined {
  const table = drizzleTable(declaration.table)
  const facts = tableFacts(declaration.table as object)
  if (!facts) {
    faults.push({
      path: 'defineResource.table',
      problem: 'the table was not made by resourceTable, so it has no tenant column, key and policy',
      fix: "export const things = resourceTable('things', { name: text().notNull() })",
    })
    return undefined
  }
  const { name: sqlName } = getTableConfig(table)
  const name = declaration.name ?? camelCase(singularize(sqlName))
  const at = `resource ${name}`
  const columns = getTableColumns(table) as Record<string, PgColumn>
  const fields: FieldInfo[] = []
  for (const [key, column] of Object.entries(columns)) {
    const loose = factsOf(declaration, key) as LooseFacts
    const field = describeField(name, key, column, loose, facts.references.get(key), faults)
    if (field) fields.push(key === 'id' && facts.ownKey ? ownKeyOf(field, declaration) : field)
    if (key === 'id' && facts.ownKey) verifyKey(`${at}.fields.id`, column, loose, faults)
  }
  verifyNames(at, name, declaration, columns, facts.ownKey, faults)
  // Rows that only code makes may well have such columns: what a log holds is all its own.
  if (declaration.operations.create !== false) verifyGivable(at, fields, faults)
  if (declaration.builtIn && !('builtIn' in columns))
    faults.push({
      path: `${at}.builtIn`,
      problem: 'the table has no column that tells built-in rows from others',
      fix: 'builtIn: boolean().notNull().default(false)',
    })
  const operations = settleOperations(at, declaration, 'deletedAt' in columns, faults)
  verifyHooks(at, declaration.hooks, 'deletedAt' in columns, faults)
  const actions = Object.entries(declaration.actions).map(([action, given]) => ({
    ...given,
    name: action,
    fresh: readDuration(given.fresh),
  }))
  return {
    name,
    sqlName,
    path: declaration.path ?? kebabCase(sqlName),
    description: declaration.description,
    origin,
    table: declaration.table,
    drizzle: table as PgTable,
    fields,
    byKey: new Map(fields.map((field) => [field.key, field])),
    operations,
    strict: declaration.strict,
    compat: declaration.compat,
    actions,
    hooks: declaration.hooks,
    cacheSeconds: cacheSecondsOf(at, declaration, origin, faults),
    verbs: [...verbsOf(operations, 'deletedAt' in columns), ...actions.map((action) => action.name)],
    declaration,
  }
}

function verifyNames(
  at: string,
  name: string,
  declaration: Resource,
  columns: Record<string, PgColumn>,
  ownKey: boolean,
  faults: StartupFault[],
): void {
  const settled = (key: string): boolean => platform.has(key) && !(key === 'id' && ownKey)
  if (!/^[a-z][a-zA-Z0-9]*$/.test(name)) {
    faults.push({ path: at, problem: `'${name}' is no usable name`, fix: "defineResource({ name: 'camelCase', … })" })
  }
  for (const key of Object.keys(declaration.fields)) {
    if (!columns[key] || settled(key)) {
      faults.push({
        path: `${at}.fields.${key}`,
        problem: settled(key) ? 'is a column of the platform, its facts are settled' : 'is no column of the table',
        fix: `use one of: ${Object.keys(columns)
          .filter((own) => !settled(own))
          .join(', ')}`,
      })
    }
  }
  for (const [action, given] of Object.entries(declaration.actions)) {
    const path = `${at}.actions.${action}`
    if (!/^[a-z][a-zA-Z0-9-]*$/.test(action))
      faults.push({ path, problem: 'is no usable path segment', fix: "name it like 'archive'" })
    if ((operationNames as readonly string[]).includes(action) || ['new', 'edit', SHARE].includes(action)) {
      faults.push({ path, problem: 'has the name of an operation', fix: 'choose another verb' })
    }
    if (typeof given.run !== 'function')
      faults.push({ path, problem: 'has no run', fix: 'run: (ctx, row) => ctx.update(table, row.id, { … })' })
    if (given.fresh !== undefined && readDuration(given.fresh) === undefined)
      faults.push({
        path: `${path}.fresh`,
        problem: `'${String(given.fresh)}' is no length of time`,
        fix: "fresh: '10m'",
      })
    if (given.readOnly && given.input)
      faults.push({ path, problem: 'is read-only (GET) and cannot have a body', fix: 'drop `readOnly` or `input`' })
  }
}

function verifyGivable(at: string, fields: readonly FieldInfo[], faults: StartupFault[]): void {
  for (const field of fields) {
    if (!codeAlone(field) || !field.notNull || field.hasDefault) continue
    faults.push({
      path: `${at}.fields.${field.key}`,
      problem: `nobody outside can give a ${field.hidden ? 'hidden' : 'read-only'} field, and it is NOT NULL without default`,
      fix: `${field.key}: ….default(…), or operations: { create: false }`,
    })
  }
}

function describeField(
  name: string,
  key: string,
  column: PgColumn,
  facts: LooseFacts,
  reference: FieldInfo['reference'],
  faults: StartupFault[],
): FieldInfo | undefined {
  const path = `resource ${name}.fields.${key}`
  const kind = (key === 'id' || reference ? keyKindOf(column) : undefined) ?? kindOf(column)
  if (!kind) {
    faults.push({
      path,
      problem: `columns of type ${column.getSQLType()} (${column.columnType}) have no settled JSON form`,
      fix: `use one of ${supportedColumnTypes.map((type) => type.replace(/^Pg/, '')).join(', ')}`,
    })
    return undefined
  }
  for (const fact of Object.keys(facts)) {
    if (!factNames.has(fact))
      faults.push({
        path: `${path}.${fact}`,
        problem: 'is no fact about a field',
        fix: `use one of: ${[...factNames].join(', ')}`,
      })
  }
  if (facts.search && kind.compares !== 'text')
    faults.push({ path: `${path}.search`, problem: 'only text can be searched', fix: `use filter: true for ${key}` })
  if ((facts.filter || facts.sort || facts.search) && (facts.secret || facts.hidden)) {
    faults.push({
      path,
      problem: 'a secret or hidden field could be guessed by filter, sort or search',
      fix: 'drop filter, sort and search here',
    })
  }
  if ((facts.filter || facts.sort) && kind.name === 'json')
    faults.push({
      path,
      problem: 'json has no order and no equality worth having',
      fix: 'put what you filter by into a column of its own',
    })
  if (facts.readOnly && (facts.hidden || facts.secret || facts.immutable)) {
    faults.push({
      path,
      problem:
        'a read-only field is read from outside and never given there, so it cannot be hidden, secret or immutable',
      fix: 'keep one of these facts',
    })
  }
  return {
    key,
    sqlName: column.name,
    sqlType: column.getSQLType(),
    column,
    kind,
    schema: annotate(narrow(path, kind.schema(column), facts, faults), {
      reference,
      description: facts.description,
      permission: writeRestricted(facts) ? `${fieldModel({ name }, { key })}:update` : undefined,
    }),
    notNull: column.notNull,
    hasDefault: column.hasDefault,
    platform: platform.has(key) || key === 'deletedAt',
    reference,
    filter: facts.filter ?? filteredBy.has(key),
    sort: facts.sort ?? (key === 'id' || key === 'createdAt' || key === 'updatedAt'),
    search: facts.search ?? false,
    hidden: facts.hidden ?? false,
    secret: facts.secret ?? false,
    immutable: facts.immutable ?? false,
    readOnly: facts.readOnly ?? false,
    readRestricted: facts.restricted === true || facts.restricted === 'read',
    writeRestricted: writeRestricted(facts),
    personal: facts.personal,
    description: facts.description,
  }
}

function writeRestricted({ restricted }: LooseFacts): boolean {
  return restricted === true || restricted === 'write'
}

/** A text key is given by the client, once; a number is made by the database. */
function ownKeyOf(field: FieldInfo, declaration: Resource): FieldInfo {
  if (field.kind.name !== 'textKey') return field
  return { ...field, platform: false, immutable: true, schema: withoutReserved(field.schema, declaration) }
}

function narrow(path: string, base: z.ZodType, facts: LooseFacts, faults: StartupFault[]): z.ZodType {
  if (!facts.schema) return bounded(base)
  try {
    return bounded(facts.schema(base))
  } catch (error) {
    faults.push({
      path: `${path}.schema`,
      problem: `threw: ${String(error)}`,
      fix: 'schema: (column) => column.min(2)',
    })
    return base
  }
}

/** Without a maximum, one field could fill the limit of the body, and a page of such rows the memory of the process. */
function bounded(schema: z.ZodType): z.ZodType {
  const open = schema instanceof z.ZodString && schema.maxLength === null
  return open ? schema.max(LONGEST_TEXT).meta({ ...schema.meta() }) : schema
}
