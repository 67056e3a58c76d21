import { z } from 'zod'
import { linksOf, writableFields, type FieldInfo, type GuardedRoute, type ResourceInfo } from '@plinth/core'
import { CANARY, madeValue } from '../tenants/marks.ts'
import { isSharedColumn } from '../tenants/fit-templates.ts'
import { makeAclEntry } from './make-acl-entry.ts'
import { drafted } from './template-requests.ts'
import type { Words } from './words.ts'

/** What a body does with references of the resource to others. */
export type References = 'foreign' | 'twins' | 'mixed'

/**
 * A body for a route, mostly valid, with what must be ignored or refused in it.
 * @param style `whole` is never cut or wrapped, so that what is in it is read; `plain` is valid throughout
 */
export function makeBody(
  words: Words,
  route: Pick<GuardedRoute, 'resource' | 'guarded' | 'verb' | 'method' | 'body'> & { readonly path?: string },
  references: References,
  style: 'odd' | 'whole' | 'plain' = 'odd',
): string {
  const { random } = words
  if (route.path?.endsWith('/bulk')) return makeBulk(words, route, references)
  if (route.path?.endsWith('/acl') && random.chance(0.8)) return makeAclEntry(words, references !== 'twins')
  // Of a resource that is written by routes of its own, the body is what these say.
  const written = (route.verb === 'create' || route.verb === 'update') && writableFields(drafted(route)).length > 0
  const plain = written
    ? makeDraft(words, drafted(route), references, route.method, route.guarded !== undefined)
    : makeInput(words, route, references)
  if (style === 'plain') return JSON.stringify(plain)
  // What the body must hold stays: the id of an action that takes it there is what the request aims at.
  const body = random.chance(0.45) ? { ...massAssignment(words, route.resource), ...plain } : plain
  return style === 'whole' ? JSON.stringify(body) : printBody(words, body)
}

/** A bulk whose operations are about rows of both tenants, each with references of its own. */
function makeBulk(words: Words, { resource }: Pick<GuardedRoute, 'resource'>, references: References): string {
  const { random } = words
  const ops = (['create', 'update', 'delete'] as const).filter((op) => resource.operations[op])
  const operations = Array.from({ length: random.chance(0.5) ? 1 : 3 }, () => {
    const op = random.pick(ops)
    const draft = makeDraft(words, resource, references, op === 'create' ? 'POST' : 'PATCH', false)
    // No set of linked rows: a bulk refuses it before it looks at anything else.
    const data = Object.fromEntries(Object.entries(draft).filter(([key]) => resource.byKey.has(key)))
    if (op === 'create') return { op, data }
    const away = references === 'foreign' || (references === 'mixed' && random.chance(0.5))
    const id = away ? words.foreignId(resource) : words.twinId(resource)
    return op === 'delete' ? { op, id } : { op, id, data }
  })
  return JSON.stringify({ operations })
}

function makeDraft(
  words: Words,
  resource: ResourceInfo,
  references: References,
  method: string,
  cloned: boolean,
): Record<string, unknown> {
  const { random } = words
  const partial = method === 'PATCH'
  const draft: Record<string, unknown> = {}
  // The path of a clone says what it comes from; of the two columns for it, one is left out of every other draft.
  const writable = writableFields(resource).filter(
    (field) =>
      !(cloned && field.key === 'templateId') &&
      !(isSharedColumn(words.knowledge.registry, resource, field.key) && (cloned || random.chance(0.9))),
  )
  const foreign =
    references === 'foreign' ? random.pick([...writable.filter((field) => field.reference), undefined]) : undefined
  for (const field of writable) {
    // Refused as soon as it differs, and then nothing else of the request was tested.
    if (field.immutable && method !== 'POST' && random.chance(0.8)) continue
    const parent = words.parentOf(field)
    if (parent) {
      // At least one reference into the other tenant, where one is asked for.
      const away =
        field === foreign ||
        (references === 'foreign' && foreign === undefined) ||
        (references === 'mixed' && random.chance(0.3))
      if (away) draft[field.key] = words.foreignId(parent)
      else if (!partial || random.chance(0.3))
        draft[field.key] = field.notNull || random.chance(0.8) ? words.twinId(parent) : null
    } else if (field.notNull && !field.hasDefault ? !partial || random.chance(0.4) : random.chance(0.4)) {
      draft[field.key] = fieldValue(words, resource, field)
    }
  }
  for (const link of linksOf(words.knowledge.registry, resource)) {
    if (!random.chance(0.2)) continue
    const ids = [words.twinId(link.target), words.twinId(link.target), words.foreignId(link.target)]
    draft[link.idsKey] = random.some(references === 'twins' ? ids.slice(0, 2) : ids, 0.6)
  }
  return draft
}

function fieldValue(words: Words, resource: ResourceInfo, field: FieldInfo): unknown {
  const { random, knowledge } = words
  if (field.kind.name === 'text' && !field.column.enumValues && random.chance(0.15)) {
    // The value of a victim's row, known to the attacker: where it is unique, it must be free in his own tenant.
    const open = knowledge.victimRows.get(resource.name)?.find((row) => row.role === 'open')?.values[field.key]
    if (typeof open === 'string') return open
  }
  const named = field.key === 'id' && field.kind.name === 'textKey'
  if (named && random.chance(0.3)) {
    // The name that a row of the victim has must be free here, and be given as any other.
    const open = knowledge.victimRows.get(resource.name)?.find((row) => row.role === 'open')
    if (open) return words.foreignKey(open.id)
  }
  const value = madeValue(field, random, 'attacker')
  // A short one may be part of another text by chance.
  if ((field.kind.name !== 'text' && !named) || field.column.enumValues || String(value).length < 20) return value
  // Unique in both of the two requests, so that the first does not take the value from the second.
  return words.pair(String(value), String(madeValue(field, random, 'attacker')))
}

/** The input of an action, from its schema: ids become the victim's, the rest takes simple values. */
function makeInput(
  words: Words,
  route: Pick<GuardedRoute, 'resource' | 'body'>,
  references: References,
): Record<string, unknown> {
  const schema = z.toJSONSchema(route.body!.schema, { unrepresentable: 'any', io: 'input' }) as JsonSchema
  return sample(words, route.resource, schema, references) as Record<string, unknown>
}

/** The properties of an action's input that are ids by their name. */
export function inputIds(route: GuardedRoute): readonly string[] {
  const schema = z.toJSONSchema(route.body!.schema, { unrepresentable: 'any', io: 'input' }) as JsonSchema
  return Object.keys(schema.properties ?? {}).filter((key) => idName.test(key))
}

const idName = /ids?$/i

interface JsonSchema {
  readonly type?: string
  readonly format?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly JsonSchema[]
  readonly minimum?: number
  readonly minLength?: number
}

function sample(words: Words, resource: ResourceInfo, schema: JsonSchema, references: References): unknown {
  const { random } = words
  if (schema.enum) return random.pick(schema.enum)
  if (schema.anyOf) return sample(words, resource, random.pick(schema.anyOf), references)
  switch (schema.type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([key, property]) => [
          key,
          namedSample(words, resource, key, property, references),
        ]),
      )
    case 'array':
      return [sample(words, resource, schema.items ?? {}, references)]
    case 'integer':
    case 'number':
      return (schema.minimum ?? 0) + random.below(100)
    case 'boolean':
      return random.chance(0.5)
    case 'string':
      return schema.format === 'uuid' ? words.foreignId(resource) : random.word(Math.max(8, schema.minLength ?? 0))
    default:
      return {}
  }
}

/** `folderId` takes the id of a folder: the resource is guessed by the name, as an attacker would. */
function namedSample(
  words: Words,
  resource: ResourceInfo,
  key: string,
  schema: JsonSchema,
  references: References,
): unknown {
  if (schema.type !== 'string' || !idName.test(key)) return sample(words, resource, schema, references)
  const meant = words.knowledge.registry.resources.find((each) => `${each.name}id` === key.toLowerCase()) ?? resource
  const away = references === 'foreign' || (references === 'mixed' && words.random.chance(0.5))
  return away ? words.foreignId(meant) : words.twinId(meant)
}

/** Fields that only the server may set, in every spelling, and objects that a merge could climb. */
function massAssignment(words: Words, resource: ResourceInfo): Record<string, unknown> {
  const { random, knowledge } = words
  const { victim } = knowledge
  const tenant = words.foreignKey(victim.id)
  const all: readonly (readonly [string, unknown])[] = [
    ['tenantId', tenant],
    ['tenant_id', tenant],
    ['tenant', { id: tenant }],
    ['tenant', victim.slug],
    ['TenantId', tenant],
    ['id', words.foreignId(resource)],
    ['id', words.twinId(resource)],
    ['ownerUserId', words.foreignKey('b2b2b2b2-7071-7000-8000-0123456789ab')],
    ['ownerGroupId', words.foreignKey('b3b3b3b3-7071-7000-8000-0123456789ab')],
    ['owner_user_id', words.foreignKey('b2b2b2b2-7071-7000-8000-0123456789ab')],
    ['version', 719_999],
    ['createdAt', '2093-12-31T10:00:00.971999Z'],
    ['updatedAt', '2093-12-31T10:00:00.971999Z'],
    ['deletedAt', '2093-12-31T10:00:00.971999Z'],
    ...resource.fields
      .filter((field) => !field.platform && (field.hidden || field.readOnly))
      // Of the platform's own models some are written by routes of their own, and then it is what he wrote himself.
      .map((field) => [field.key, `${resource.origin === 'product' ? CANARY : 'm1017281m'}outside`] as const),
    ['constructor', { prototype: { tenantId: tenant } }],
    ['role', 'admin'],
    ['data', { tenantId: tenant, id: words.foreignId(resource) }],
    ['connect', { id: words.foreignId(resource) }],
    ['$set', { tenant_id: tenant }],
    ['items', [{ tenantId: tenant }]],
  ]
  return Object.fromEntries(random.some(all, 0.2))
}

/** Now and then something that is no object: a list of drafts, a bulk request, a draft in a wrapper, `__proto__`. */
function printBody(words: Words, body: Record<string, unknown>): string {
  const { random, knowledge } = words
  const text = JSON.stringify(body)
  if (random.chance(0.94)) return text
  const tenant = words.foreignKey(knowledge.victim.id)
  return random.pick([
    `[${text}]`,
    `[${text},${text}]`,
    `{"data":${text}}`,
    `{"operations":[{"op":"update","id":"${tenant}","data":${text}}]}`,
    text.replace(/^\{/, `{"__proto__":{"tenantId":"${tenant}"}${text === '{}' ? '' : ','}`),
    'null',
    '"text"',
    '',
    '{',
    text.slice(0, -1),
  ])
}
