import type { TravellingRow } from '@plinth/core'
import { ROLE_NAME } from './role-names.ts'
import type { DefinitionsOf } from './definitions.ts'
import { isKnown, wordsForUnknown } from './known-permissions.ts'

/**
 * What is wrong with a role that arrives in an archive, as it would be refused where somebody writes it: a name of a built-in role
 * would be read as that one, and a permission that there is not would be a silent no.
 */
export function roleFault(definitions: DefinitionsOf, row: TravellingRow): string | undefined {
  const name = row['name'] ?? ''
  if (!ROLE_NAME.test(name)) return `'${name.slice(0, 60)}' is no name of a role`
  if (definitions.reserved.has(name)) return `the role ${name} is built in`
  const given = listIn(row['permissions'] ?? '[]')
  if (!given) return `the permissions of the role ${name} are no list`
  for (const permission of given) {
    if (typeof permission !== 'string') return `the permissions of the role ${name} are no texts`
    if (!isKnown(definitions.known.permissions, permission))
      return `the role ${name}: ${wordsForUnknown(definitions.known.permissions, permission)}`
  }
  return undefined
}

function listIn(text: string): readonly unknown[] | undefined {
  try {
    const read: unknown = JSON.parse(text)
    return Array.isArray(read) ? read : undefined
  } catch {
    return undefined
  }
}
