import type { InputFault } from '../errors/plinth-error.ts'
import { shownEverywhere, type FieldView } from '../fields/field-view.ts'
import type { SortKey } from '../ports/database.ts'
import { fieldOf, type FieldInfo, type ResourceInfo } from '../resource/resource-info.ts'

const MOST_KEYS = 5

/** The fields that a resource lets a stranger with this view sort by: an order tells of what is withheld, too. */
export function sortableFields(resource: ResourceInfo, view: FieldView): readonly FieldInfo[] {
  return resource.fields.filter((field) => field.sort && !field.hidden && !field.secret && shownEverywhere(view, field))
}

/** Newest first, as the index (tenant_id, created_at desc, id desc) has it. */
export function defaultSort(resource: ResourceInfo): readonly SortKey[] {
  return [
    { field: fieldOf(resource, 'createdAt'), descending: true },
    { field: fieldOf(resource, 'id'), descending: true },
  ]
}

/** Reads `-createdAt,name`. The id is put last, so that the order is total and a cursor meets every row exactly once. */
export function readSort(
  resource: ResourceInfo,
  text: string,
  allowed: readonly FieldInfo[],
  faults: InputFault[],
): readonly SortKey[] {
  const keys: SortKey[] = []
  for (const part of text.split(',')) {
    const descending = part.startsWith('-')
    const field = allowed.find((each) => each.key === (descending ? part.slice(1) : part))
    if (!field) {
      faults.push({
        path: '?sort',
        code: 'unknown_field',
        message: `'${part.slice(0, 64)}' cannot be sorted by; allowed: ${allowed.map((each) => each.key).join(', ')}`,
      })
    } else if (keys.some((key) => key.field === field)) {
      faults.push({ path: '?sort', code: 'repeated', message: `'${field.key}' stands twice` })
    } else keys.push({ field, descending })
  }
  if (keys.length > MOST_KEYS) faults.push({ path: '?sort', code: 'too_many', message: `At most ${MOST_KEYS} fields` })
  if (keys.some((key) => key.field.key === 'id'))
    return keys.slice(0, keys.findIndex((key) => key.field.key === 'id') + 1)
  return [...keys, { field: fieldOf(resource, 'id'), descending: keys.at(-1)?.descending ?? false }]
}
