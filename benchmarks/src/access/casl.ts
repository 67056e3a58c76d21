import { createMongoAbility, subject, type MongoAbility } from '@casl/ability'
import { roleRules } from './rules.ts'

/** Built once for each person, as its manual says; the rows in one rule, since 10,000 rules are searched one by one. */
export function caslAbility(ids: readonly string[]): MongoAbility {
  return createMongoAbility([
    ...roleRules.map(({ model, action }) => ({ action, subject: model })),
    ...(ids.length > 0 ? [{ action: 'read', subject: 'project', conditions: { id: { $in: [...ids] } } }] : []),
  ])
}

export function caslMayRead(ability: MongoAbility, id: string): boolean {
  return ability.can('read', subject('project', { id }))
}
