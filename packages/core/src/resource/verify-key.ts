import { getTableConfig, type PgColumn } from 'drizzle-orm/pg-core'
import type { StartupFault } from '../errors/startup-error.ts'
import type { Registry } from '../platform/registry.ts'
import { keyTypeOf } from '../table/key-type.ts'
import { drizzleTable } from '../table/types.ts'
import { fieldOf } from './resource-info.ts'

/** What is wrong with an `id` that a table declares itself. */
export function verifyKey(path: string, column: PgColumn, facts: object, faults: StartupFault[]): void {
  const type = keyTypeOf(column)
  if (type === undefined || type === 'uuid' || (column.enumValues?.length ?? 0) > 0) {
    faults.push({
      path,
      problem: type === 'uuid' ? 'is a uuid, which every table has by itself' : 'is a column that cannot be a key',
      fix: "drop id, or id: text(), id: integer().generatedAlwaysAsIdentity(), id: bigint({ mode: 'bigint' }).generatedAlwaysAsIdentity()",
    })
    return
  }
  if (column.name !== 'id') faults.push({ path, problem: `is called ${column.name} in SQL`, fix: `id: ${type}()` })
  if (type !== 'text' && column.generatedIdentity === undefined) {
    faults.push({
      path,
      problem: 'is a number that nobody makes: clients give text keys, the database makes whole numbers',
      fix: `id: ${type === 'bigint' ? "bigint({ mode: 'bigint' })" : 'integer()'}.generatedAlwaysAsIdentity()`,
    })
  }
  const allowed =
    type === 'text' ? ['schema', 'filter', 'sort', 'search', 'description'] : ['filter', 'sort', 'description']
  for (const fact of Object.keys(facts).filter((each) => !allowed.includes(each))) {
    faults.push({
      path: `${path}.${fact}`,
      problem: 'is no fact about a key, which is in every URL, event and record and never changes',
      fix: `use one of: ${allowed.join(', ')}`,
    })
  }
}

/** Of every reference: its table is a resource, and its column the type of that table's key. */
export function verifyReferences(registry: Registry, faults: StartupFault[]): void {
  for (const resource of registry.resources) {
    for (const { key, reference, column } of resource.fields) {
      if (!reference) continue
      const path = `resource ${resource.name}.fields.${key}`
      const target = registry.byTable.get(reference.to() as object)
      if (!target) {
        faults.push({
          path,
          problem: 'points at a table that is no resource of this platform',
          fix: 'add its resource to createPlinth({ resources: […] })',
        })
        continue
      }
      const type = keyTypeOf(fieldOf(target, 'id').column)
      if (type === undefined || keyTypeOf(column) === type) continue
      const { name } = getTableConfig(drizzleTable(reference.to()))
      const more = [
        ...(type === 'uuid' ? [] : [`key: '${type}'`]),
        ...(reference.onDelete === 'cascade' ? [`onDelete: 'cascade'`] : []),
        ...(reference.inverse === undefined ? [] : [`inverse: '${reference.inverse}'`]),
      ]
      faults.push({
        path,
        problem: `is ${keyTypeOf(column) ?? column.getSQLType()}, and the ids of ${name} are ${type}`,
        fix: templateColumn.has(key)
          ? `drop id from ${name}: templates have uuids`
          : `${key}: belongsTo(() => ${target.path.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase())}${more.length > 0 ? `, { ${more.join(', ')} }` : ''})`,
      })
    }
  }
}

/** Made by `templated()` and `templateColumns()`, not written by anybody. */
const templateColumn = new Set(['templateId', 'parentTemplateId'])
