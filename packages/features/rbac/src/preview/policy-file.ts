import { readFileSync, writeFileSync } from 'node:fs'
import { problem, readPolicies, type Condition, type FeatureCommand, type Policy, type Registry } from '@plinth/core'
import { z } from 'zod'
import { policiesOf } from './preview-policies.ts'

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()])
const op = z.enum(['eq', 'ne', 'lt', 'lte', 'gt', 'gte'])
const field = z.string().min(1)
const operand = z.union([
  z.strictObject({ value: scalar }),
  z.strictObject({ fact: z.enum(['principalId', 'userId']) }),
])

/** A condition as data: what code says with `compare`, `factIs`, `and` … */
const condition: z.ZodType<Condition> = z.lazy(() =>
  z.union([
    z.strictObject({ kind: z.enum(['always', 'never']) }),
    z.strictObject({ kind: z.enum(['and', 'or']), of: z.array(condition) }),
    z.strictObject({ kind: z.literal('not'), of: condition }),
    z.strictObject({ kind: z.literal('compare'), field, op, with: operand }),
    z.strictObject({ kind: z.literal('in'), field, values: z.array(scalar) }),
    z.strictObject({ kind: z.enum(['inGroups', 'isNull']), field }),
    z.strictObject({ kind: z.literal('contains'), field, text: z.string() }),
    // Whether there is such a fact is told with the nearest names, as at a start.
    z.strictObject({ kind: z.literal('fact'), fact: z.string(), op, value: scalar }),
  ]),
) as z.ZodType<Condition>

const policyFile = z.strictObject({
  policies: z.array(z.strictObject({ name: z.string(), actions: z.array(z.string()).min(1), when: condition })),
})

/**
 * Policies as `plinth policies:write` wrote them.
 * @throws validation_failed with what is wrong with the file
 */
export function readPolicyFile(file: string): readonly Policy[] {
  let given: unknown
  try {
    given = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    const words = error instanceof SyntaxError ? 'is no JSON' : 'cannot be read'
    throw problem('validation_failed', { detail: `${file} ${words}.`, cause: error })
  }
  const result = policyFile.safeParse(given)
  if (result.success) return result.data.policies
  const [issue] = result.error.issues
  throw problem('validation_failed', {
    detail: `${file} is no list of policies: /${issue?.path.map(String).join('/') ?? ''} ${issue?.message ?? ''}. Write it with plinth policies:write.`,
  })
}

/**
 * Those that speak of what there is here, and the others in words: what an earlier release had policies for may be gone by now, and
 * there is nothing to compare.
 */
export function usableHere(
  registry: Registry,
  given: readonly Policy[],
): { readonly policies: readonly Policy[]; readonly aside: readonly string[] } {
  const faults = given.map((one) => {
    const found: Parameters<typeof readPolicies>[2] = []
    readPolicies([one], registry, found)
    return { one, found }
  })
  return {
    policies: faults.filter(({ found }) => found.length === 0).map(({ one }) => one),
    aside: faults.flatMap(({ found }) => found.slice(0, 1).map(({ path, problem: words }) => `${path} ${words}`)),
  }
}

/** `plinth policies:write`: the policies of this project as data, to compare another state of it with. */
export const policiesCommand: FeatureCommand = {
  name: 'policies:write',
  summary: 'write the policies of this project into a file, for roles:preview of another state of it',
  positional: { name: 'file', description: 'where they are written: policies.json' },
  options: {},
  run({ registry }, { file }) {
    const policies = policiesOf({ registry })
    try {
      writeFileSync(String(file), `${JSON.stringify({ policies }, null, 2)}\n`)
    } catch (cause) {
      throw problem('validation_failed', { detail: `${String(file)} cannot be written.`, cause })
    }
    return Promise.resolve({ written: String(file), policies: policies.length })
  },
}
