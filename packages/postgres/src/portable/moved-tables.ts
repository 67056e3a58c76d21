import { problem, type PortableColumn, type PortableRow, type PortableTable, type PortableTables } from '@plinth/core'
import type { Parameter } from '../drivers/driver.ts'
import { tenantSchema } from '../isolation/tenant-schema.ts'
import type { Runner } from '../session/runner.ts'
import { identifier } from '../statements/quote.ts'
import { readTables, type PlacedTable } from './read-tables.ts'

type Run = (text: string, parameters?: readonly Parameter[]) => ReturnType<Runner['run']>

/** The tenant, as every statement of one has it, and how values are printed and read again, wherever the sessions come from. */
const BEGIN =
  "select set_config('plinth.tenant', $1::text, true), set_config('search_path', 'pg_catalog, pg_temp', true)," +
  " set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, YMD', true)," +
  " set_config('IntervalStyle', 'iso_8601', true), set_config('bytea_output', 'hex', true)," +
  " set_config('extra_float_digits', '1', true)"

/** Rows of the first batch, and at most of any; between them as many as make about {@link USUAL_BATCH} characters. */
const FIRST_BATCH = 50
const MOST_ROWS = 1_000
const USUAL_BATCH = 1_048_576

/**
 * @param schemas whether each tenant has a schema of its own
 * @param searchPath what the transaction goes on with, so that triggers of the product find its tables
 */
export async function movedTables(
  runner: Runner,
  tenantId: string,
  how: 'frozen' | 'written',
  { schemas, searchPath }: { readonly schemas: boolean; readonly searchPath: string | undefined },
): Promise<PortableTables> {
  const once: Run = (text, parameters = []) => runner.run({ text, parameters, shape: 'once' }, 'other')
  if (how === 'frozen') await once('set transaction isolation level repeatable read, read only')
  await once(BEGIN, [tenantId])
  const tables = await readTables(runner, schemas ? tenantSchema(tenantId) : undefined)
  if (searchPath !== undefined) await once("select set_config('search_path', $1::text, true)", [searchPath])
  return new MovedTables(once, tenantId, tables)
}

class MovedTables implements PortableTables {
  readonly tables: readonly PlacedTable[]
  readonly #run: Run
  readonly #tenantId: string
  #cursors = 0

  constructor(run: Run, tenantId: string, tables: readonly PlacedTable[]) {
    this.#run = run
    this.#tenantId = tenantId
    this.tables = tables
  }

  async *read(table: PortableTable, columns: readonly string[]): AsyncGenerator<readonly PortableRow[]> {
    const { place } = this.#placed(table)
    const aliases = columns.map((_, at) => `c${at}`)
    const printed = columns.map((name, at) => `t.${identifier(name)}::text as ${aliases[at]}`)
    const order = (table.key.length > 0 ? table.key : columns).map((name) => orderBy(columnOf(table, name)))
    const cursor = `plinth_moved_${(this.#cursors += 1)}`
    await this.#run(
      `declare ${cursor} no scroll cursor for select ${printed.join(', ')} from ${place} t where t.tenant_id = $1::uuid order by ${order.join(', ')}`,
      [this.#tenantId],
    )
    let asked = FIRST_BATCH
    for (;;) {
      const rows = await this.#run(`fetch forward ${asked} from ${cursor}`)
      let length = 0
      const batch = rows.map((row): PortableRow =>
        aliases.map((alias) => {
          const value = row[alias] as string | null
          length += value?.length ?? 4
          return value
        }),
      )
      if (batch.length > 0) yield batch
      if (batch.length < asked) break
      asked = Math.max(1, Math.min(MOST_ROWS, Math.floor(USUAL_BATCH / Math.max(1, length / batch.length))))
    }
    await this.#run(`close ${cursor}`)
  }

  async insert(table: PortableTable, columns: readonly string[], rows: readonly PortableRow[]): Promise<void> {
    const placed = this.#placed(table)
    const names = columns.map((name) => `, ${identifier(name)}`).join('')
    const values = columns.map((name, at) => `, ${valueOf(placed, name, at)}`).join('')
    await this.#run(
      `insert into ${placed.place} (tenant_id${names}) overriding system value
       select $1::uuid${values} from jsonb_array_elements($2::text::jsonb) with ordinality r(v, n) order by r.n`,
      [this.#tenantId, JSON.stringify(rows)],
    )
  }

  async change(table: PortableTable, columns: readonly string[], rows: readonly PortableRow[]): Promise<void> {
    const placed = this.#placed(table)
    const sets = columns.map((name, at) => `${identifier(name)} = ${valueOf(placed, name, table.key.length + at)}`)
    const same = table.key.map((name, at) => `t.${identifier(name)} = ${valueOf(placed, name, at)}`)
    await this.#run(
      `update ${placed.place} t set ${sets.join(', ')} from jsonb_array_elements($2::text::jsonb) r(v)
       where t.tenant_id = $1::uuid and ${same.join(' and ')}`,
      [this.#tenantId, JSON.stringify(rows)],
    )
  }

  numberAfter(table: PortableTable, column: string, number: string): Promise<void> {
    return this.#number('number_after', table, column, number)
  }

  refuseNumber(table: PortableTable, column: string, number: string): Promise<void> {
    return this.#number('number_fits', table, column, number)
  }

  async #number(
    how: 'number_after' | 'number_fits',
    table: PortableTable,
    column: string,
    number: string,
  ): Promise<void> {
    const [row] = await this.#run(`select plinth.${how}($1::text::regclass, $2::text, $3::text::bigint) as "fits"`, [
      this.#placed(table).place,
      column,
      number,
    ])
    if (row?.['fits'] !== true)
      throw problem('validation_failed', {
        detail: `${table.name}.${column} numbers rows, and ${number} is too large a number.`,
      })
  }

  /** Tables of this transaction alone: a name of an archive never gets into a statement. */
  #placed({ name }: PortableTable): PlacedTable {
    const placed = this.tables.find((one) => one.name === name)
    if (!placed) throw new Error(`${name} is no table of tenants`)
    return placed
  }
}

function columnOf(table: PortableTable, name: string): PortableColumn {
  const column = table.columns.find((one) => one.name === name)
  if (!column) throw new Error(`${table.name} has no column ${name}`)
  return column
}

function orderBy({ name, type }: PortableColumn): string {
  const text = /^(text|character varying|character)\b/.test(type)
  // What has no order of its own (json) stands in that of its text.
  const collated = text
    ? ' collate "C"'
    : /^json\b/.test(type) || type === 'xml' || type === 'point'
      ? '::text collate "C"'
      : ''
  return `t.${identifier(name)}${collated}`
}

function valueOf(placed: PlacedTable, name: string, at: number): string {
  return `(r.v->>${at})::${placed.casts.get(columnOf(placed, name).name)}`
}
