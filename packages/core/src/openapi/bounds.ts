import type { Limits } from '../platform/platform.ts'

type Json = Readonly<Record<string, unknown>>

/** Characters of texts whose form has a length of its own; what there may be of a time's fraction is more than any clock has. */
const longest: Readonly<Record<string, number>> = {
  uuid: 36,
  date: 10,
  time: 32,
  'date-time': 64,
  duration: 64,
  ipv4: 15,
  ipv6: 45,
  email: 320,
}

const smallest32 = -2_147_483_648
const largest32 = 2_147_483_647

/**
 * Says of every text, list and number how large it gets, where its schema does not: no text of a request is longer than what is
 * read of it, and an answer holds what requests brought. A client that reserves room, and a gateway that refuses what is larger,
 * need a figure.
 */
export function boundSchemas<T extends object>(document: T, limits: Pick<Limits, 'body' | 'url' | 'headerBytes'>): T {
  const whole = document as unknown as {
    readonly paths?: Readonly<Record<string, Json>>
    readonly components?: { readonly schemas?: Json; readonly headers?: Json }
  }
  const components = whole.components ?? {}
  return {
    ...document,
    paths: each(whole.paths ?? {}, (item) => each(item, (operation) => boundOperation(operation, limits))),
    components: {
      ...components,
      headers: each(components.headers ?? {}, (header) => boundOwn(header, limits.headerBytes)),
      schemas: each(components.schemas ?? {}, (schema) => bound(schema, limits.body)),
    },
  }
}

function boundOperation(operation: unknown, { body, url, headerBytes }: Parameters<typeof boundSchemas>[1]): unknown {
  if (!isObject(operation)) return operation
  const request = operation['requestBody']
  const parameters = operation['parameters'] as readonly Json[] | undefined
  return {
    ...operation,
    ...(parameters && {
      parameters: parameters.map((parameter) => boundOwn(parameter, parameter['in'] === 'header' ? headerBytes : url)),
    }),
    ...(isObject(request) && { requestBody: boundContent(request, body) }),
    responses: each(operation['responses'] as Json, (response) => ({
      ...boundContent(response as Json, body),
      headers: each((response as Json)['headers'] as Json, (header) => boundOwn(header, headerBytes)),
    })),
  }
}

function boundContent(holder: Json, most: number): Json {
  const content = holder['content']
  return isObject(content) ? { ...holder, content: each(content, (media) => boundOwn(media, most)) } : holder
}

/** Of a parameter, a header or a media type. */
function boundOwn(holder: unknown, most: number): Json {
  const { schema } = holder as Json
  return schema === undefined ? (holder as Json) : { ...(holder as Json), schema: bound(schema, most) }
}

const members = ['properties', 'patternProperties', '$defs'] as const
const lists = ['anyOf', 'oneOf', 'allOf', 'prefixItems'] as const
const single = ['items', 'additionalProperties', 'propertyNames', 'not'] as const

function bound(schema: unknown, most: number): unknown {
  if (!isObject(schema)) return schema
  const types = [schema['type']].flat()
  const made: Record<string, unknown> = { ...schema }
  for (const key of members) if (isObject(schema[key])) made[key] = each(schema[key], (member) => bound(member, most))
  for (const key of lists)
    if (Array.isArray(schema[key])) made[key] = schema[key].map((member: unknown) => bound(member, most))
  for (const key of single) if (isObject(schema[key])) made[key] = bound(schema[key], most)
  const closed = 'enum' in schema || 'const' in schema
  if (types.includes('string') && !closed) made['maxLength'] ??= longest[String(schema['format'])] ?? most
  // Each member takes a character and a comma.
  if (types.includes('array')) made['maxItems'] ??= most >> 1
  if (types.includes('integer')) boundInteger(made)
  return made
}

function boundInteger(schema: Record<string, unknown>): void {
  if (schema['exclusiveMinimum'] === undefined) schema['minimum'] ??= Number.MIN_SAFE_INTEGER
  if (schema['exclusiveMaximum'] === undefined) schema['maximum'] ??= Number.MAX_SAFE_INTEGER
  const [least, most] = [
    Number(schema['minimum'] ?? schema['exclusiveMinimum']),
    Number(schema['maximum'] ?? schema['exclusiveMaximum']),
  ]
  schema['format'] ??= least >= smallest32 && most <= largest32 ? 'int32' : 'int64'
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function each<T>(values: Readonly<Record<string, T>> | undefined, change: (value: T) => unknown): Json {
  return Object.fromEntries(Object.entries(values ?? {}).map(([name, value]) => [name, change(value)]))
}
