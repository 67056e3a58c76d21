import { z } from 'zod'
import { outputSchema } from '../output/schemas.ts'
import type { ResourceInfo } from '../resource/resource-info.ts'
import type { QueryParameter } from '../routes/route.ts'
import { includedSchema } from '../template/answer-schemas.ts'
import { MOST_OF_ONE } from './load-includes.ts'
import type { Relation } from './relations.ts'

type Relations = ReadonlyMap<string, Relation>

/** Schema of a row with what `include` may put behind it; the plain row where nothing can be included. */
export function rowWithIncludes(resource: ResourceInfo, relations: Relations): z.ZodObject {
  const plain = outputSchema(resource)
  if (relations.size === 0) return plain
  const members = [...relations.values()].map((relation) => [relation.name, schemaOf(relation).optional()] as const)
  return plain.extend(Object.fromEntries(members)).meta({ id: `${plain.meta()!.id!}WithIncludes` })
}

function schemaOf(relation: Relation): z.ZodType {
  if (relation.kind === 'resolved') return includedSchema
  const row = outputSchema(relation.target)
  return relation.kind === 'one'
    ? row.nullable()
    : z.object({
        data: z.array(row).max(MOST_OF_ONE),
        hasMore: z.boolean().describe('Whether there are more than are shown'),
      })
}

/** The parameter `include`, where there is something to include. */
export function includeParameter(relations: Relations): readonly QueryParameter[] {
  if (relations.size === 0) return []
  const names = [...relations.keys()]
  return [
    {
      name: 'include',
      description: `Rows to nest, comma-separated: ${names.join(', ')}. Of each, those that may be read; \`fields=${names[0]!}.id\` chooses of them`,
      schema: z.string(),
    },
  ]
}
