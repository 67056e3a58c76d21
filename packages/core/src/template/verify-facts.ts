import { z } from 'zod'
import type { StartupFault } from '../errors/startup-error.ts'
import type { AnyTemplateFacts } from './facts.ts'
import { MOST_LEVELS } from './level.ts'
import { overridesSchema, unwrap } from './overrides-schema.ts'

/** @returns whether the schema can be worked with */
export function verifyParams(path: string, params: unknown, faults: StartupFault[]): params is z.ZodObject {
  if (!(params instanceof z.ZodObject)) {
    faults.push({
      path,
      problem: 'is no z.object, and only objects merge',
      fix: 'params: z.object({ … }).default(…) becomes params: z.object({ … })',
    })
    return false
  }
  const before = faults.length
  try {
    z.toJSONSchema(params, { io: 'output', unrepresentable: 'throw' })
  } catch (error) {
    faults.push({
      path,
      problem: `does not come out as JSON (${error instanceof Error ? error.message : String(error)}), so it cannot be stored and read back`,
      fix: 'drop transforms and types that JSON lacks; change values where you use them',
    })
  }
  for (const member of nullableMembers(params)) {
    faults.push({
      path: `${path}${member}`,
      problem: 'is nullable, but null in an override takes the value away (RFC 7396)',
      fix: '.optional() instead of .nullable()',
    })
  }
  return faults.length === before
}

function nullableMembers(params: z.ZodObject): readonly string[] {
  return Object.entries(params.shape).flatMap(([key, member]) => {
    const bare = unwrap(member as z.ZodType)
    return [
      ...((member as z.ZodType).safeParse(null).success && !(bare instanceof z.ZodUnknown || bare instanceof z.ZodAny)
        ? [`.${key}`]
        : []),
      ...(bare instanceof z.ZodObject ? nullableMembers(bare).map((inner) => `.${key}${inner}`) : []),
    ]
  })
}

/** Shared templates are code: what is wrong with them is found at start, not by the first tenant. */
export function verifyShared(path: string, facts: AnyTemplateFacts, faults: StartupFault[]): void {
  const shared = facts.shared ?? {}
  const overrides = overridesSchema(facts.params)
  for (const [key, template] of Object.entries(shared)) {
    const at = `${path}.${key}`
    if (!/^[a-z][a-z0-9-]{0,62}$/.test(key)) {
      faults.push({ path: at, problem: 'is no usable key', fix: "name it like 'http-check'; rows will hold this key" })
    }
    const checked = overrides.safeParse(template.defaults)
    if (!checked.success) {
      const [issue] = checked.error.issues
      faults.push({
        path: `${at}.defaults${issue!.path.map((step) => `.${String(step)}`).join('')}`,
        problem: issue!.message,
        fix: 'say what the schema of the params takes',
      })
    }
    if (template.parent !== undefined && !Object.hasOwn(shared, template.parent)) {
      faults.push({
        path: `${at}.parent`,
        problem: `there is no shared template '${template.parent}'`,
        fix: `use one of: ${Object.keys(shared).join(', ')}`,
      })
    } else if (heightOf(shared, key) > MOST_LEVELS) {
      faults.push({
        path: `${at}.parent`,
        problem: `leads round in a circle, or through more than ${MOST_LEVELS} templates`,
        fix: 'let a parent be more general than its child',
      })
    }
  }
}

function heightOf(shared: NonNullable<AnyTemplateFacts['shared']>, key: string): number {
  let height = 0
  for (let at: string | undefined = key; at !== undefined && height <= MOST_LEVELS; at = shared[at]?.parent) height += 1
  return height
}
