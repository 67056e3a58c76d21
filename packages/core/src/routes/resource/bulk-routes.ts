import { z } from 'zod'
import { inputSchemas } from '../../input/schemas.ts'
import { outputSchema } from '../../output/schemas.ts'
import type { ResourceInfo } from '../../resource/resource-info.ts'
import { bulkOps, MOST_OPERATIONS, statusOf, type BulkOp } from '../../write/bulk-input.ts'
import type { GuardedRoute } from '../route.ts'
import { runBulk } from './bulk.ts'
import { exampleInput, exampleRow } from './examples.ts'
import type { RouteParts } from './route-parts.ts'

/** Up to a hundred creates, updates and deletes in one transaction. */
export function bulkRoutes(resource: ResourceInfo, parts: RouteParts): readonly GuardedRoute[] {
  const ops = bulkOps(resource)
  const [verb, ...others] = ops
  if (!resource.operations.bulk || !verb) return []
  return [
    {
      ...parts.common,
      ...parts.guard(verb),
      otherwise: others.map((other) => parts.guard(other)),
      method: 'POST',
      path: `${parts.base}/bulk`,
      operationId: `bulk${parts.title}`,
      summary: `Several writes of ${resource.path} in one transaction: all or none`,
      body: { schema: bodySchema(resource, ops, parts.title), example: exampleBody(resource, ops[0]!) },
      errors: [
        'validation_failed',
        'not_found',
        'already_exists',
        'still_referenced',
        'too_many_rows',
        'version_mismatch',
        'unsupported_media_type',
        'body_too_large',
      ],
      handle: runBulk,
      answers: [
        {
          status: 200,
          description: 'What became of each, in order',
          schema: answerSchema(resource, ops),
          example: { results: [{ op: ops[0], id: exampleRow(resource)['id'], status: statusOf[ops[0]!] }] },
        },
      ],
    },
  ]
}

function bodySchema(resource: ResourceInfo, ops: readonly BulkOp[], title: string): z.ZodType {
  const schemas = inputSchemas(resource)
  // Names of their own: the bodies of a single write may take the ids of linked rows as well.
  const whole = z.object(schemas.whole.shape).meta({ id: `${title}BulkCreate` })
  const part = z.object(schemas.part.shape).meta({ id: `${title}BulkPatch` })
  const target = {
    id: z.string().describe('The id of the row'),
    version: z.int().min(1).optional().describe('The version that you read; 412 when the row has changed since'),
  }
  const forms = {
    create: z.object({ op: z.literal('create'), data: whole }),
    update: z.object({ op: z.literal('update'), ...target, data: part }),
    delete: z.object({ op: z.literal('delete'), ...target }),
  }
  const operation = z.union(ops.map((op) => forms[op]))
  return z.object({ operations: z.array(operation).min(1).max(MOST_OPERATIONS) }).meta({ id: `${title}Bulk` })
}

function answerSchema(resource: ResourceInfo, ops: readonly BulkOp[]): z.ZodType {
  const result = z.object({
    op: z.enum(ops as [BulkOp, ...BulkOp[]]),
    id: z.string(),
    status: z.int(),
    row: outputSchema(resource)
      .optional()
      .describe('Not of a deleted row, nor where the answer would be too long with it'),
  })
  return z.object({ results: z.array(result) })
}

function exampleBody(resource: ResourceInfo, op: BulkOp): unknown {
  const id = exampleRow(resource)['id']
  const forms = {
    create: { op, data: exampleInput(resource) },
    update: { op, id, data: {} },
    delete: { op, id },
  }
  return { operations: [forms[op]] }
}
