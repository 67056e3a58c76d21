import type { CreateOperation, FieldInfo, Scope } from '@plinth/core'
import { columnType } from './column-types.ts'
import { madeValue } from './made-value.ts'
import { identifier } from './quote.ts'
import type { Records } from './records.ts'
import { resourceSql } from './resource-sql.ts'
import type { Printed } from './statement.ts'
import { beginWrite, writeNames } from './write-clause.ts'

/**
 * Insert, records and event in one statement and one commit (measured: 163 µs of CPU; as a flight of messages 253). Columns
 * that are not given take their default in the database.
 */
export function printCreate(operation: CreateOperation, scope: Scope, records: Records, withFacts: boolean): Printed {
  const { resource, values } = operation
  const sql = resourceSql(resource)
  const beside = records.of(resource, 'create') + records.event(resource, 'create', 'created')
  const { statement, head } = beginWrite(scope, operation.id, 'created', withFacts, beside !== '')
  const names = writeNames(withFacts)
  let columns = 'tenant_id, id, owner_user_id, created_at, updated_at'
  let given = `${names.tenantId}, ${names.id}, ${statement.add(operation.ownerUserId)}::uuid, ${names.now}, ${names.now}`
  const put = (field: FieldInfo, value: string | null): void => {
    columns += `, ${identifier(field.sqlName)}`
    given += `, ${columnType(field.column).store(statement.add(value))}`
  }
  for (const [field, value] of values) put(field, value)
  for (const field of sql.made) if (!values.has(field)) put(field, madeValue(field, field.column.defaultFn))
  return {
    text: `${head}, n as (insert into ${sql.table} (${columns}) select ${given} from c where c.t is not null returning *)${beside} select ${sql.written} from n`,
    parameters: statement.parameters,
    shape: 'varied',
  }
}
