import type { RawRow } from '@plinth/core'
import type { KeyObject } from 'node:crypto'
import { contentOf, hashOf, macOf } from '../src/entry/chained-entry.ts'
import { storedTime } from '../src/entry/stored-time.ts'
import { entryOf } from '../src/verify/read-chain.ts'
import { at, changeColumn, HIGHEST, LOWEST, names, type Deed, type Table } from './column-deeds.ts'
import type { Ask } from './undone.ts'

/* What a superuser can do to the table itself: to columns, and to rows at any place. */

/** Each row as PostgreSQL itself prints it, and nothing of what the verifier reads. */
export const printedRows = (tenantId: string): readonly [string, readonly string[]] => [
  `select seq::text as seq, md5(l::text) as row from plinth.audit_logs l where tenant_id = $1::text::uuid order by l.seq nulls first`,
  [tenantId],
]

/** The number of the first entry that is not what it was; undefined where nothing was changed. */
export function firstChanged(before: readonly RawRow[], after: readonly RawRow[]): number | undefined {
  const [first] = after
  if (first && (first['seq'] === null || Number(first['seq']) < 1)) return Number(first['seq'])
  for (let seq = 1; seq <= before.length; seq += 1) {
    const there = after.filter((row) => row['seq'] === String(seq))
    if (there.length !== 1 || there[0]!['row'] !== before[seq - 1]!['row']) return seq
  }
  return after.length === before.length ? undefined : before.length + 1
}

export function randomDeed(table: Table): Deed {
  const { random } = table
  const deed = random.pick([
    changeColumn,
    changeColumn,
    changeColumn,
    changeColumn,
    remove,
    insert,
    insert,
    insertBetween,
    swap,
    cut,
    move,
    rewrite,
    rewrite,
    several,
  ])
  return deed(table)
}

function remove({ random, rows, tenantId }: Table): Deed {
  const from = 1 + random.below(rows.length)
  const to = random.chance(0.5) ? from : from + random.below(4)
  return {
    how: `delete ${from} to ${to}`,
    run: (ask) =>
      ask(`delete from plinth.audit_logs where tenant_id = $1::text::uuid and seq between ${from} and ${to}`, [
        tenantId,
      ]),
  }
}

function cut({ random, rows, tenantId }: Table): Deed {
  const seq = 1 + random.below(rows.length)
  const side = random.pick(['seq >=', 'seq <=', 'true or seq >='])
  return {
    how: `delete where ${side} ${seq}`,
    run: (ask) =>
      ask(`delete from plinth.audit_logs where tenant_id = $1::text::uuid and (${side} ${seq})`, [tenantId]),
  }
}

/** A row of this chain or of the other one, under any number; now and then as its own chain would have it. */
function insert({ random, rows, tenantId, otherId }: Table): Deed {
  const count = rows.length
  const from = random.chance(0.7) ? tenantId : otherId
  const source = 1 + random.below(from === tenantId ? count : 4)
  const seq = random.pick([
    'null',
    LOWEST,
    HIGHEST,
    '0',
    '-1',
    String(1 + random.below(count)),
    String(count + 1),
    String(count + 1),
    String(count + 2 + random.below(2_000)),
  ])
  const forged = random.chance(0.5) ? `'innocent'` : 'actor_id'
  return {
    how: `insert ${source} of ${from === tenantId ? 'the same' : 'another'} chain as ${seq}`,
    run: async (ask) => {
      await ask(
        `insert into plinth.audit_logs select $1::text::uuid, ${seq}, ${names
          .slice(2)
          .map((name) => (name === 'actor_id' ? forged : name))
          .join(', ')} from plinth.audit_logs where tenant_id = $2::text::uuid and seq = ${source} limit 1`,
        [tenantId, from],
      )
      if (seq === String(count + 1)) await rehash(ask, tenantId, count + 1)
    },
  }
}

/** All behind it move on by one. */
function insertBetween(table: Table): Deed {
  const { random, rows, tenantId } = table
  const seq = 1 + random.below(rows.length)
  const anew = random.chance(0.5)
  return {
    how: `insert between, as ${seq}, ${anew ? 'hashed anew' : 'hashes as they were'}`,
    run: async (ask) => {
      await ask(`update plinth.audit_logs set seq = seq + 1 where tenant_id = $1::text::uuid and seq >= ${seq}`, [
        tenantId,
      ])
      await ask(
        `insert into plinth.audit_logs select tenant_id, ${seq}, ${names
          .slice(2)
          .map((name) => (name === 'actor_id' ? `'innocent'` : name))
          .join(', ')} from plinth.audit_logs where ${at(seq === 1 ? 2 : seq - 1)} limit 1`,
        [tenantId],
      )
      if (anew) await rehash(ask, tenantId, seq)
    },
  }
}

/** All of two entries but their numbers, or some of it. */
function swap({ random, rows, tenantId }: Table): Deed {
  const one = 1 + random.below(rows.length)
  const other = 1 + ((one + random.below(rows.length - 1)) % rows.length)
  const rest = names.slice(2)
  const some = random.chance(0.5) ? rest : random.some(rest, 0.3)
  const swapped = some.length > 0 ? some : rest
  return {
    how: `swap ${swapped.join()} of ${one} and ${other}`,
    run: (ask) =>
      ask(
        `update plinth.audit_logs l set ${swapped.map((name) => `${name} = o.${name}`).join(', ')} from plinth.audit_logs o
         where l.tenant_id = $1::text::uuid and o.tenant_id = $1::text::uuid
           and (l.seq, o.seq) in ((${one}, ${other}), (${other}, ${one}))`,
        [tenantId],
      ),
  }
}

function move({ random, rows, tenantId, otherId }: Table): Deed {
  const seq = 1 + random.below(rows.length)
  const to = random.pick([otherId, random.uuid(), '00000000-0000-0000-0000-000000000000', null])
  return {
    how: `move ${seq} to ${to}`,
    run: (ask) =>
      ask(`update plinth.audit_logs set tenant_id = $2::text::uuid, seq = seq + 9000 where ${at(seq)}`, [tenantId, to]),
  }
}

/** From an entry on, with all hashes anew: as it is, with an entry less, or as whoever has the keys as well. */
function rewrite({ random, rows, tenantId, macKey }: Table): Deed {
  const seq = random.chance(0.3) ? 1 : 1 + random.below(rows.length)
  const how = random.pick(['changed', 'changed', 'one less', 'keys'] as const)
  return {
    how: `rewrite from ${seq}: ${how}`,
    keysStolen: how === 'keys',
    run: async (ask) => {
      await ask(
        `update plinth.audit_logs set actor_id = 'innocent', occurred_at = occurred_at + interval '1 second' where ${at(seq)}`,
        [tenantId],
      )
      if (how === 'one less' && seq < rows.length) {
        await ask(`delete from plinth.audit_logs where ${at(seq)}`, [tenantId])
        await ask(`update plinth.audit_logs set seq = seq - 1 where tenant_id = $1::text::uuid and seq > ${seq}`, [
          tenantId,
        ])
      }
      await rehash(ask, tenantId, seq, how === 'keys' ? macKey : undefined)
    },
  }
}

/** As whoever knows the code can do. */
async function rehash(ask: Ask, tenantId: string, from: number, macKey?: KeyObject): Promise<void> {
  const rows = await ask(
    `select *, ${storedTime.text} as occurred_at from plinth.audit_logs where tenant_id = $1::text::uuid and seq >= ${from - 1} order by seq`,
    [tenantId],
  )
  let previous = ''
  const anew = rows.map((row) => {
    const { hash, mac, ...entry } = entryOf(tenantId, row)
    previous = entry.seq < from ? hash : hashOf(tenantId, previous, contentOf(entry.seq, entry))
    return { seq: entry.seq, hash: previous, mac: macKey && entry.seq >= from ? macOf(macKey, previous) : mac }
  })
  await ask(
    `update plinth.audit_logs l set hash = a.hash, mac = a.mac
     from json_to_recordset($2::text::json) a(seq bigint, hash text, mac text)
     where l.tenant_id = $1::text::uuid and l.seq = a.seq and a.seq >= ${from}`,
    [tenantId, JSON.stringify(anew)],
  )
}

/** Two or three, one after the other. */
function several(table: Table): Deed {
  const { random } = table
  const deeds = Array.from({ length: 2 + random.below(2) }, () =>
    random.pick([changeColumn, remove, insert, insertBetween, swap, move])(table),
  )
  return {
    how: deeds.map(({ how }) => how).join('; '),
    run: async (ask) => {
      for (const { run } of deeds) await run(ask)
    },
  }
}
