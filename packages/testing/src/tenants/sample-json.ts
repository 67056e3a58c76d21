import { z } from 'zod'

interface Node {
  readonly type?: string | readonly string[]
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Node>>
  readonly additionalProperties?: Node | boolean
  readonly propertyNames?: Node
  readonly items?: Node
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Node[]
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
}

const known = new WeakMap<z.ZodType, Node>()

/** What a sample is made of. */
export interface SampleParts {
  /** Stands wherever a text may stand. */
  readonly text: () => string
  /** Whether a member that may be absent is there. */
  readonly keep: () => boolean
}

/**
 * A value of a json column whose schema says what is in it; undefined where the schema says nothing, or where no such value
 * passes it.
 */
export function sampleJson(schema: z.ZodType, parts: SampleParts): unknown {
  const node = known.get(schema) ?? (z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Node)
  known.set(schema, node)
  if (node.type !== 'object' && node.type !== 'array') return undefined
  const made = sample(node, parts)
  return schema.safeParse(made).success ? made : undefined
}

function sample(node: Node, parts: SampleParts): unknown {
  if (node.enum) return node.enum[0]
  if (node.anyOf) return sample(node.anyOf.find((each) => each.type !== 'null') ?? {}, parts)
  switch (node.type) {
    case 'object':
      return sampleObject(node, parts)
    case 'array':
      return node.items ? [sample(node.items, parts)].filter((item) => item !== undefined) : []
    case 'integer':
    case 'number':
      return Math.min(Math.max(node.minimum ?? 1, 1), node.maximum ?? 1_000)
    case 'boolean':
      return true
    case 'string':
      return sampleText(node, parts.text)
    default:
      return undefined
  }
}

function sampleObject(node: Node, parts: SampleParts): Record<string, unknown> {
  const named = Object.entries(node.properties ?? {})
    .filter(([key]) => node.required?.includes(key) === true || parts.keep())
    .map(([key, member]) => [key, sample(member, parts)] as const)
  const open = typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined
  // The name of a member may hold a mark as well as its value does.
  const name = open && sampleText(node.propertyNames ?? {}, parts.text)
  const more = open && name !== undefined ? [[name, sample(open, parts)] as const] : []
  return Object.fromEntries([...named, ...more].filter(([, value]) => value !== undefined))
}

function sampleText({ minLength = 0, maxLength = 200, pattern }: Node, text: () => string): string | undefined {
  const made = text().slice(0, maxLength)
  if (made.length < minLength) return undefined
  return pattern === undefined || new RegExp(pattern).test(made) ? made : undefined
}
