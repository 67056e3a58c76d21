import type { PersonalRoute, PublicRoute } from '@plinth/core'
import { z } from 'zod'
import type { WireRequest } from '../http/wire.ts'
import { makeHeaders } from './make-headers.ts'
import type { Mood } from './make-probe.ts'
import { makeQuery } from './make-query.ts'
import type { Words } from './words.ts'

interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly format?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly items?: JsonSchema
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly JsonSchema[]
  readonly minimum?: number
}

const schemas = new WeakMap<z.ZodType, JsonSchema>()

function schemaOf(body: z.ZodType): JsonSchema {
  const known = schemas.get(body) ?? (z.toJSONSchema(body, { unrepresentable: 'any', io: 'input' }) as JsonSchema)
  schemas.set(body, known)
  return known
}

/**
 * A request to a route that is about no rows: signing in, one's sessions, one's tenants, invitations, what the operator sees. Its
 * parameters and its body name what the victim has, by the name that the field has.
 */
export function openRequest(words: Words, route: PublicRoute | PersonalRoute, mood: Mood): WireRequest {
  const { random, knowledge } = words
  const resource = random.pick(knowledge.registry.resources)
  const writes = route.method !== 'GET'
  const parameters = route.path.includes('/:')
  // What would change the attacker's own standing while others compare answers.
  const unsafe = mood === 'calm' && writes && !route.public && !parameters
  const method = unsafe ? 'GET' : random.chance(0.04) ? random.pick(['HEAD', 'OPTIONS']) : route.method
  const path = route.path.replaceAll(/:\w+/g, () => idFor(words, mood === 'wild' || !writes))
  const query = queryOf(words, route)
  const strange = query === '' && random.chance(0.15) ? makeQuery(words, resource, true) : query
  const body = route.body && writes && !unsafe ? bodyOf(words, route.body.schema, mood) : undefined
  const headers = makeHeaders(words, resource, method)
  if (body !== undefined) headers.push(['content-type', 'application/json'])
  return {
    method,
    target: (random.chance(0.2) ? path.replace('/api/v1/', '/api/') : path) + (strange === '' ? '' : `?${strange}`),
    headers,
    ...(body === undefined ? {} : { body }),
  }
}

function idFor(words: Words, own: boolean): string {
  const { random, knowledge } = words
  if (own && random.chance(0.25)) return ownId(words)
  return random.chance(0.15) ? words.foreignKey(knowledge.victim.id) : foreignId(words)
}

function foreignId(words: Words): string {
  return words.foreignKey(words.random.pick(words.knowledge.words.victim.ids))
}

function ownId({ random, knowledge }: Words): string {
  return random.chance(0.3) ? knowledge.attacker.id : random.pick(knowledge.words.attacker.ids)
}

function queryOf(words: Words, route: PublicRoute | PersonalRoute): string {
  const { random } = words
  const entries: string[] = []
  for (const { name, schema } of route.query ?? []) {
    if (!random.chance(0.4)) continue
    const value = valueFor(words, name, schemaOf(schema), true)
    entries.push(`${name}=${encodeURIComponent(typeof value === 'string' ? value : JSON.stringify(value))}`)
  }
  return entries.join('&')
}

function bodyOf(words: Words, schema: z.ZodType, mood: Mood): string {
  const { random, knowledge } = words
  const body = valueFor(words, '', schemaOf(schema), mood === 'wild')
  const more =
    typeof body === 'object' && random.chance(0.2)
      ? random.pick([
          { tenantId: words.foreignKey(knowledge.victim.id) },
          { userId: foreignId(words) },
          { superadmin: true, roles: ['owner'] },
          { ownerUserId: foreignId(words), tenant: words.foreignKey(knowledge.victim.id) },
        ])
      : {}
  return JSON.stringify({ ...more, ...(body as object) })
}

/** A value by the name that the field has, as somebody would fill it in who knows the victim. */
function valueFor(words: Words, key: string, schema: JsonSchema, own: boolean): unknown {
  const { random } = words
  if (schema.const !== undefined) return schema.const
  if (schema.enum) return random.pick(schema.enum)
  if (schema.anyOf) return valueFor(words, key, random.pick(schema.anyOf), own)
  const type = typeof schema.type === 'string' ? schema.type : schema.type?.[0]
  switch (type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {})
          .filter(([name]) => schema.required?.includes(name) || random.chance(0.4))
          .map(([name, property]) => [name, valueFor(words, name, property, own)]),
      )
    case 'array':
      return Array.from({ length: random.below(3) }, () => valueFor(words, key, schema.items ?? {}, own))
    case 'integer':
    case 'number':
      return (schema.minimum ?? 0) + random.below(100)
    case 'boolean':
      return random.chance(0.5)
    case 'string':
      return textFor(words, key, schema, own)
    default:
      return random.pick([null, random.word(8), random.below(100), {}])
  }
}

function textFor(words: Words, key: string, { format }: JsonSchema, own: boolean): string {
  const { random, knowledge } = words
  const { victim, attacker } = knowledge
  if (/e-?mail|identifier/i.test(key) || format === 'email') return address(words, own)
  if (/ids?$/i.test(key) || format === 'uuid') return own && random.chance(0.3) ? ownId(words) : foreignId(words)
  if (/tenant|slug/i.test(key))
    return random.pick([
      () => words.foreignKey(victim.id),
      () => words.pair(victim.slug, `no-${random.word(victim.slug.length - 3)}`),
      () => (own ? attacker.slug : words.foreignKey(victim.id)),
    ])()
  // Wrong always, and never that of an account that a request made: a right one would change who the attacker is.
  if (/password/i.test(key)) return `nobody's pass phrase ${random.word(12)}`
  // Of the two requests each has its own: the first takes it.
  if (/username/i.test(key)) return words.pair(random.word(14), random.word(14))
  if (/code$/i.test(key)) return random.digits(6)
  if (/token/i.test(key)) return random.word(43)
  if (format === 'date-time') return '2041-01-31T12:00:00.000Z'
  if (/role/i.test(key)) return random.pick(['owner', 'admin', 'developer', 'user', 'read_only', 'nobody'])
  if (/permission|needs|action/i.test(key)) return random.pick(['user:read', 'crate:read', 'crate:update', '*'])
  // Only where it is looked for: what he writes of himself is his own.
  const texts = key === 'search' ? knowledge.words.victim.texts : []
  if (texts.length > 0 && random.chance(0.4)) {
    const known = random.pick(texts)
    return words.pair(known, `z${random.word(known.length - 1)}`)
  }
  return random.word(12)
}

function address(words: Words, own: boolean): string {
  const { random, knowledge } = words
  const { attacker, victim } = knowledge.words
  if (own && attacker.addresses.length > 0 && random.chance(0.2)) return random.pick(attacker.addresses)
  if (victim.addresses.length === 0 || random.chance(0.1)) return `${random.word(12)}@example.com`
  const known = random.pick(victim.addresses)
  const [local = '', domain = 'example.com'] = known.split('@')
  return words.pair(known, `z${random.word(Math.max(3, local.length - 1))}@${domain}`)
}
