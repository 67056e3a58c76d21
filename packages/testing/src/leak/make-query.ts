import { relationsOf, visibleFields, type FieldInfo, type ResourceInfo } from '@plinth/core'
import type { Words } from './words.ts'

const operators = [
  '',
  '',
  '',
  '[eq]',
  '[ne]',
  '[gt]',
  '[gte]',
  '[lt]',
  '[lte]',
  '[in]',
  '[contains]',
  '[isNull]',
] as const
/** What a reader of queries might take for an operator or a field although nobody declared it. */
const oddOperators = ['[like]', '[$ne]', '[not]', '[or]', '[]', '[eq][eq]', '.eq', '__eq', '[constructor]'] as const
const oddNames = [
  'tenant_id',
  'tenant',
  'tenant.id',
  'owner.tenantId',
  'where',
  'filter',
  'filter[tenantId]',
  'q',
  'or',
  '$where',
  '__proto__',
  'constructor',
  'expand',
  'select',
  'join',
  'order',
  'group',
  'having',
  'scope',
  'allTenants',
  'deleted',
  'withDeleted',
  'api_key',
  'access_token',
] as const

/** The query of a request to a route: declared parameters, undeclared ones, and what tries to reach another tenant. */
export function makeQuery(words: Words, resource: ResourceInfo, isList: boolean): string {
  const { random } = words
  const entries: string[] = []
  const add = (name: string, value: string): void =>
    void entries.push(`${encodeName(name)}=${encodeURIComponent(value)}`)
  const exported = isList && random.chance(0.15)
  if (isList) {
    for (let left = random.below(3); left > 0; left -= 1) addFilter(words, resource, add)
    if (random.chance(0.25)) add('search', searchWord(words, resource))
    if (exported) add('format', random.pick(['csv', 'ndjson', 'csv', 'ndjson', 'xlsx']))
    if (!exported || random.chance(0.1)) {
      addPaging(words, resource, add)
      if (random.chance(0.3)) add('count', random.chance(0.9) ? 'exact' : 'all')
    }
  }
  const included = random.chance(exported ? 0.03 : 0.3) ? includedNames(words, resource) : []
  if (included.length > 0) add('include', included.join(','))
  if (random.chance(isList ? 0.3 : 0.25)) add('fields', fieldList(words, resource, included))
  if (random.chance(0.08)) add(random.pick(oddNames), oddValue(words, resource))
  // The same name twice: two readers could take different ones.
  if (entries.length > 0 && random.chance(0.03)) entries.push(random.pick(entries))
  return entries.join('&')
}

/** Brackets stay as people write them. */
function encodeName(name: string): string {
  return encodeURIComponent(name).replaceAll('%5B', '[').replaceAll('%5D', ']')
}

function addFilter(words: Words, resource: ResourceInfo, add: (name: string, value: string) => void): void {
  const { random } = words
  const field = random.chance(0.75) ? random.pick(filterable(resource)) : random.pick(resource.fields)
  const operator = random.chance(0.95) ? random.pick(operators) : random.pick(oddOperators)
  if (operator === '[isNull]') return add(field.key + operator, random.pick(['true', 'false', 'true', 'null']))
  if (operator === '[in]') {
    const values = [filterValue(words, resource, field), words.usualValue(field), filterValue(words, resource, field)]
    return add(
      field.key + operator,
      random
        .some(values, 0.7)
        .map((value) => value.replaceAll(',', '\\,'))
        .join(','),
    )
  }
  add(field.key + operator, filterValue(words, resource, field))
}

function filterable(resource: ResourceInfo): readonly FieldInfo[] {
  return resource.fields.filter((field) => field.filter || field.reference !== undefined)
}

function filterValue(words: Words, resource: ResourceInfo, field: FieldInfo): string {
  const { random, knowledge } = words
  if (field.key === 'tenantId') return words.foreignKey(knowledge.victim.id)
  if (field.key === 'id') return random.chance(0.7) ? words.foreignId(resource) : words.twinId(resource)
  const parent = words.parentOf(field)
  if (parent) return random.chance(0.7) ? words.foreignId(parent) : words.twinId(parent)
  if (random.chance(0.04))
    return random.pick([`x' or tenant_id='${knowledge.victim.id}`, '%', '_%', 'null', '*', `${knowledge.victim.slug}`])
  return random.chance(0.75) ? words.foreignValue(resource, field) : words.usualValue(field)
}

function addPaging(words: Words, resource: ResourceInfo, add: (name: string, value: string) => void): void {
  const { random, knowledge } = words
  const cursors = knowledge.cursors.filter((each) => each.resource === resource)
  if (cursors.length > 0 && random.chance(0.2)) {
    const stolen = random.pick(random.chance(0.9) ? cursors : knowledge.cursors)
    // Its own query makes the binding right in everything but the tenant.
    for (const [name, value] of new URLSearchParams(stolen.search)) if (random.chance(0.95)) add(name, value)
    return add('cursor', words.pair(stolen.cursor, damaged(stolen.cursor)))
  }
  if (random.chance(0.35)) add('sort', sortList(words, resource))
  if (random.chance(0.5)) add('pageSize', random.pick(['1', '2', '5', '100', '101', '0', '-1', '1e3']))
  if (random.chance(0.15)) add('page', random.pick(['1', '2', '3', '0', '99999999']))
  if (random.chance(0.08)) add('skip', random.pick(['0', '1', '5', '100001']))
  if (random.chance(0.08)) add('limit', random.pick(['1', '50', '100', '1000']))
}

/** A cursor of the same form with another payload. */
function damaged(cursor: string): string {
  const at = Math.floor(cursor.indexOf('~') / 2)
  return `${cursor.slice(0, at)}${cursor[at] === 'A' ? 'B' : 'A'}${cursor.slice(at + 1)}`
}

function sortList(words: Words, resource: ResourceInfo): string {
  const { random } = words
  const sortable = resource.fields.filter((field) => field.sort).map((field) => field.key)
  const names = random.chance(0.9)
    ? random.some(sortable, 0.3)
    : random.some(
        resource.fields.map((field) => field.key),
        0.2,
      )
  const chosen = names.length === 0 ? ['id'] : names
  return chosen
    .slice(0, 6)
    .map((name) => (random.chance(0.5) ? `-${name}` : name))
    .join(',')
}

function includedNames(words: Words, resource: ResourceInfo): readonly string[] {
  const names = [...relationsOf(words.knowledge.registry, resource).keys()]
  return words.random.chance(0.9)
    ? words.random.some(names, 0.6)
    : [words.random.pick([...names, 'tenant', 'owner', 'letters', 'documents.crate', '*', '__proto__'])]
}

function fieldList(words: Words, resource: ResourceInfo, included: readonly string[]): string {
  const { random, knowledge } = words
  const nested = included.flatMap((name) => {
    const target = relationsOf(knowledge.registry, resource).get(name)?.target
    const fields = random.chance(0.9) ? target && visibleFields(target) : target?.fields
    return fields?.map((field) => `${name}.${field.key}`) ?? []
  })
  const visible = [...visibleFields(resource).map((field) => field.key), ...nested]
  if (random.chance(0.85)) return random.some(visible, 0.4).join(',') || 'id'
  return random.pick([
    'tenantId',
    'id,tenantId',
    '*',
    'tenant_id',
    'id,passphrase',
    'internalNote',
    '__proto__',
    'id,',
    ...resource.fields.map((field) => field.key),
  ])
}

function searchWord(words: Words, resource: ResourceInfo): string {
  const { random } = words
  const searched = resource.fields.filter((field) => field.search)
  const field = searched.length === 0 ? undefined : random.pick(searched)
  if (!field) return random.word(4)
  return random.chance(0.7) ? words.foreignValue(resource, field) : words.usualValue(field).slice(0, 12)
}

function oddValue(words: Words, resource: ResourceInfo): string {
  const { victim } = words.knowledge
  return words.random.pick([words.foreignKey(victim.id), victim.slug, words.foreignId(resource), 'true', '*', ''])
}
