import type { RawRow } from '@plinth/core'
import type { SeededRandom } from '@plinth/testing'
import type { KeyObject } from 'node:crypto'
import type { Ask } from './undone.ts'

/* What a superuser can do to a column of an entry. No column is left out, and no value that its type has. */

const columns = {
  tenant_id: 'uuid',
  seq: 'bigint',
  id: 'uuid',
  occurred_at: 'timestamptz',
  actor_kind: 'text',
  actor_id: 'text',
  on_behalf_of: 'text',
  action: 'text',
  target_type: 'text',
  target_id: 'text',
  outcome: 'text',
  request_id: 'text',
  repeated: 'int',
  changes: 'json',
  detail: 'json',
  origin: 'text',
  personal: 'text',
  hash: 'text',
  mac: 'text',
} as const
type Column = keyof typeof columns
export const names = Object.keys(columns) as readonly Column[]
export const LOWEST = '-9223372036854775808'
export const HIGHEST = '9223372036854775807'
/** Microseconds from 2000-01-01, as PostgreSQL counts and as it can. */
const [EARLIEST, LATEST] = [-211_813_488_000_000_000n, 9_223_371_331_200_000_000n]

export interface Table {
  /** The chain that somebody is at, and one of another tenant. */
  readonly tenantId: string
  readonly otherId: string
  /** Rows of the chain, by their number: as texts, and `us`: when it was. */
  readonly rows: readonly RawRow[]
  readonly random: SeededRandom
  readonly macKey: KeyObject
}

export interface Deed {
  readonly how: string
  readonly run: (ask: Ask) => Promise<unknown>
  /** Where the first entry that differs is not the first that can be found: whoever has the keys signs what he likes. */
  readonly keysStolen?: boolean
}

/** Every row as texts. */
export const rawRows = (tenantId: string): readonly [string, readonly string[]] => [
  `select ${names.map((name) => `${name}::text as ${name}`).join(', ')},
     ((extract(epoch from occurred_at) - 946684800) * 1000000)::bigint::text as us
   from plinth.audit_logs l where tenant_id = $1::text::uuid order by l.seq`,
  [tenantId],
]

export const at = (seq: number | string): string => `tenant_id = $1::text::uuid and seq = ${seq}`

/** Each of the values that a column might hide, and none at all, in an entry by chance: what a random choice seldom meets. */
export function oddDeeds(table: Table): readonly Deed[] {
  return names.flatMap((column) => {
    const row = table.random.pick(table.rows)
    return [null, ...oddsOf(table, row, column)].map((value) => setColumn(table, row, column, value))
  })
}

export function changeColumn(table: Table): Deed {
  const { random, rows } = table
  const row = random.pick(rows)
  const column = random.pick(names)
  return setColumn(
    table,
    row,
    column,
    valueOf(table, row, column, random.pick(['bit', 'bit', 'bit', 'null', 'other', 'odd'])),
  )
}

function setColumn({ tenantId }: Table, row: RawRow, column: Column, value: string | null): Deed {
  const seq = String(row['seq'])
  return {
    how: `${column} of ${seq}: ${value}`,
    run: (ask) => ask(`update plinth.audit_logs set ${column} = ${castOf(column)} where ${at(seq)}`, [tenantId, value]),
  }
}

/** `us:` stands for microseconds. */
const castOf = (column: Column): string =>
  column === 'occurred_at'
    ? `case when $2::text like 'us:%' then '2000-01-01T00:00:00Z'::timestamptz + (substr($2::text, 4) || ' microseconds')::interval
       else $2::text::timestamptz end`
    : `$2::text::${columns[column]}`

function valueOf(table: Table, row: RawRow, column: Column, how: 'bit' | 'null' | 'other' | 'odd'): string | null {
  const { random, rows } = table
  if (how === 'null') return null
  if (how === 'other') return random.pick(rows)[column] as string | null
  if (how === 'odd') return random.pick(oddsOf(table, row, column))
  const value = row[column] as string | null
  switch (columns[column]) {
    case 'uuid': {
      const digit = random.pick([...value!].flatMap((each, place) => (each === '-' ? [] : [place])))
      const flipped = (Number.parseInt(value![digit]!, 16) ^ (1 << random.below(4))).toString(16)
      return value!.slice(0, digit) + flipped + value!.slice(digit + 1)
    }
    case 'bigint':
      return String(BigInt.asIntN(64, BigInt(value!) ^ (1n << BigInt(random.below(64)))))
    case 'int':
      return String(Number(value) ^ (1 << random.below(32)))
    case 'timestamptz': {
      for (;;) {
        const us = BigInt.asIntN(64, BigInt(String(row['us'])) ^ (1n << BigInt(random.below(64))))
        if (us >= EARLIEST && us < LATEST) return `us:${us}`
      }
    }
    case 'text':
    case 'json': {
      if (value === null || value === '') return '1'
      for (;;) {
        const bytes = Buffer.from(value)
        bytes[random.below(bytes.length)]! ^= 1 << random.below(8)
        const text = bytes.toString('utf8')
        const isText = !text.includes('\0') && Buffer.from(text).equals(bytes)
        if (isText && (columns[column] === 'text' || isJson(text))) return text
      }
    }
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** What might look like something else when it is printed. */
function oddsOf({ random, otherId }: Table, row: RawRow, column: Column): readonly string[] {
  const value = String(row[column])
  switch (columns[column]) {
    case 'uuid':
      return [otherId, '00000000-0000-0000-0000-000000000000', random.uuid()]
    case 'bigint':
      return [LOWEST, HIGHEST, '0', '-1', `-${value}`]
    case 'int':
      return ['0', '-1', '2147483647', '-2147483648']
    case 'timestamptz':
      return [
        'infinity',
        '-infinity',
        'epoch',
        `${value} BC`,
        `1${value}`,
        `us:${BigInt(String(row['us'])) + 1n}`,
        `us:${BigInt(String(row['us'])) - 1n}`,
      ]
    case 'text':
      return ['', ' ', `${value} `, `${value}:`, 'null', 'NULL', value.toUpperCase(), `${value}\u200b`]
    case 'json':
      return ['null', '""', '{}', `${value === 'null' ? '1' : value} `, ` ${value}`, '{"a":1,"a":2}']
  }
}
