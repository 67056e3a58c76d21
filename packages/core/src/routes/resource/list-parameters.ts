import { z } from 'zod'
import { formats } from '../../export/format.ts'
import { openView } from '../../fields/field-view.ts'
import { filterableFields, operatorsOf } from '../../list/filter.ts'
import { MOST_ROWS, USUAL_ROWS } from '../../list/list-query.ts'
import { sortableFields } from '../../list/sort.ts'
import { visibleFields, type ResourceInfo } from '../../resource/resource-info.ts'
import type { QueryParameter } from '../route.ts'

/** The query parameters of a list, as the reader of queries understands them. */
export function listParameters(resource: ResourceInfo): readonly QueryParameter[] {
  const sorts = sortableFields(resource, openView(resource)).map((field) => field.key)
  const parameters: QueryParameter[] = [
    { name: 'page', description: 'Number of the page, from 1', schema: z.int().min(1) },
    { name: 'pageSize', description: `Rows a page (${USUAL_ROWS} unless told)`, schema: z.int().min(1).max(MOST_ROWS) },
    {
      name: 'skip',
      description: 'Rows to leave out; with `limit` instead of page and pageSize',
      schema: z.int().min(0),
    },
    { name: 'limit', description: 'Rows to answer with; with `skip`', schema: z.int().min(1).max(MOST_ROWS) },
    {
      name: 'cursor',
      description: 'nextCursor of the page before, with the same sort, filter and fields',
      schema: z.string(),
    },
    { name: 'count', description: '`exact` adds page.total, at the cost of a count', schema: z.enum(['exact']) },
    { name: 'sort', description: `Fields, a leading - for descending: ${sorts.join(', ')}`, schema: z.string() },
    maskParameter(resource),
    {
      name: 'format',
      description: '`csv` or `ndjson`: all rows that match as a stream, newest first, without pages (or by Accept)',
      schema: z.enum(formats),
    },
  ]
  if (resource.fields.some((field) => field.search)) {
    parameters.push({
      name: 'search',
      description: 'Text that one of the searched fields holds, in any case',
      schema: z.string(),
    })
  }
  for (const field of filterableFields(resource, openView(resource))) {
    for (const operator of operatorsOf(field)) {
      parameters.push({
        name: operator === 'eq' ? field.key : `${field.key}[${operator}]`,
        description:
          operator === 'in'
            ? `${field.key} is one of these, comma-separated (\`\\,\` for a comma)`
            : `${field.key} ${operator}`,
        schema:
          operator === 'isNull'
            ? z.boolean()
            : operator === 'in' || operator === 'contains'
              ? z.string()
              : field.kind.schema(field.column),
      })
    }
  }
  return parameters
}

export function maskParameter(resource: ResourceInfo): QueryParameter {
  return {
    name: 'fields',
    description: `Only these fields, comma-separated: ${visibleFields(resource)
      .map((field) => field.key)
      .join(', ')}`,
    schema: z.string(),
  }
}
