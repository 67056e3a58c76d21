import { integer, text } from 'drizzle-orm/pg-core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { StartupFault } from '../errors/startup-error.ts'
import { readDeclaration } from '../platform/read-declaration.ts'
import type { RawRow } from '../ports/database.ts'
import { defineResource, type Resource } from '../resource/define-resource.ts'
import { resourceTable } from '../table/resource-table.ts'
import { RowCache, type CachedRead } from './row-cache.ts'

const sites = resourceTable('sites', { name: text().notNull(), size: integer() })
const site = readDeclaration([defineResource({ table: sites, cache: '5s' })], [], []).resources[0]!

/** Rows of one tenant, and answers that arrive when the test says so. */
function store() {
  const rows = new Map<string, RawRow>()
  const calls = { read: 0, list: 0 }
  const waiting: (() => void)[] = []
  let held = false
  const answer = <T>(value: T): Promise<T> =>
    held ? new Promise((resolve) => waiting.push(() => resolve(value))) : Promise.resolve(value)
  const session: CachedRead['session'] = {
    read({ id }) {
      calls.read += 1
      return answer(rows.get(id))
    },
    list({ where }) {
      calls.list += 1
      const ids =
        where.kind === 'in' ? where.values : where.kind === 'compare' && 'value' in where.with ? [where.with.value] : []
      return answer(ids.map((id) => rows.get(String(id))).filter((row) => row !== undefined))
    },
  }
  const write = (id: string, name: string): void => {
    const version = Number(rows.get(id)?.['version'] ?? 0) + 1
    rows.set(id, { id, name, version, updatedAt: `t${version} ${name}` })
  }
  return {
    rows,
    calls,
    session,
    write,
    hold: () => void (held = true),
    release() {
      held = false
      for (const go of waiting.splice(0)) go()
    },
  }
}

function cached(mostBytes?: number) {
  let at = 0
  const cache = new RowCache({ now: () => at, ...(mostBytes !== undefined && { mostBytes }) })
  const of =
    (session: CachedRead['session'], tenantId = 't') =>
    async (id: string) =>
      (await cache.read({ session, tenantId, resource: site, id, maxAge: 5_000 }))?.['name']
  return { cache, of, pass: (milliseconds: number) => void (at += milliseconds) }
}

describe('rows by id', () => {
  test('are read once while they are young, and one statement asks of all that are in use', async () => {
    const db = store()
    const { of, pass } = cached()
    const read = of(db.session)
    for (const id of ['1', '2', '3']) db.write(id, `name ${id}`)
    for (let at = 0; at < 10; at += 1) for (const id of ['1', '2', '3']) expect(await read(id)).toBe(`name ${id}`)
    expect(db.calls).toEqual({ read: 3, list: 0 })
    db.write('2', 'other')
    pass(5_000)
    expect(await read('1')).toBe('name 1')
    expect(await read('2')).toBe('other')
    expect(await read('3')).toBe('name 3')
    expect(db.calls).toEqual({ read: 4, list: 1 })
    // Seen to be unchanged, it is as young as the statement that saw it, and no younger.
    db.write('1', 'later')
    pass(4_999)
    expect(await read('1')).toBe('name 1')
    pass(1)
    expect(await read('1')).toBe('later')
  })

  test('what nobody uses is not asked for, and what is gone is gone', async () => {
    const db = store()
    const { cache, of, pass } = cached()
    const read = of(db.session)
    for (const id of ['1', '2']) {
      db.write(id, id)
      await read(id)
    }
    pass(5_000)
    await read('1')
    pass(5_000)
    await read('1')
    db.rows.delete('1')
    pass(5_000)
    expect(await read('1')).toBeUndefined()
    expect(await read('1')).toBeUndefined()
    expect(cache.bytes).toBe(0)
  })

  test('a key that was given up and taken again is another row, though its version is the same', async () => {
    const db = store()
    const { of, pass } = cached()
    const read = of(db.session)
    db.write('1', 'first')
    await read('1')
    db.rows.delete('1')
    db.write('1', 'second')
    pass(5_000)
    expect(await read('1')).toBe('second')
  })

  test('a write in this process is seen at once, also while the row is on its way', async () => {
    const db = store()
    const { cache, of } = cached()
    const read = of(db.session)
    db.write('1', 'old')
    db.hold()
    const first = read('1')
    db.write('1', 'new')
    cache.forget({ tenantId: 't', resource: 'site' })
    db.release()
    // Who asked before the write may have what was before it.
    expect(await first).toBe('old')
    expect(await read('1')).toBe('new')
    db.write('1', 'newest')
    cache.forget({ tenantId: 't', resource: 'site' })
    expect(await read('1')).toBe('newest')
    db.write('1', 'of another process')
    cache.forget({ tenantId: 'another', resource: 'site' })
    expect(await read('1')).toBe('newest')
    // What others wrote meanwhile nobody knows.
    cache.forget(undefined)
    expect(await read('1')).toBe('of another process')
  })

  test('a hundred who ask at once ask once', async () => {
    const db = store()
    const { of } = cached()
    const read = of(db.session)
    db.write('1', 'one')
    expect(new Set(await Promise.all(Array.from({ length: 100 }, () => read('1'))))).toEqual(new Set(['one']))
    expect(db.calls).toEqual({ read: 1, list: 0 })
  })

  test('of one tenant are never those of another', async () => {
    const [a, b] = [store(), store()]
    const { of } = cached()
    a.write('1', 'of a')
    b.write('1', 'of b')
    expect(await of(a.session, 'a')('1')).toBe('of a')
    expect(await of(b.session, 'b')('1')).toBe('of b')
    expect(await of(a.session, 'a')('1')).toBe('of a')
  })

  test('take no more memory than they may: the least used go', async () => {
    const db = store()
    const { cache, of } = cached(100_000)
    const read = of(db.session)
    for (let at = 0; at < 500; at += 1) {
      db.write(String(at), 'x'.repeat(1_000))
      await read(String(at))
      await read('0')
      expect(cache.bytes).toBeLessThanOrEqual(100_000)
    }
    const before = db.calls.read
    await read('0')
    expect(db.calls.read).toBe(before)
    await read('1')
    expect(db.calls.read).toBe(before + 1)
  })

  test('are never older than they may be, in any of two processes, whatever happens in which order', async () => {
    const ids = fc.constantFrom('1', '2')
    const step = fc.oneof(
      fc.record({ what: fc.constant('write' as const), in: fc.nat(1), id: ids }),
      fc.record({ what: fc.constant('delete' as const), in: fc.nat(1), id: ids }),
      fc.record({ what: fc.constant('read' as const), in: fc.nat(1), id: ids }),
      fc.record({ what: fc.constant('pass' as const), ms: fc.constantFrom(1, 500, 2_500, 4_999, 5_000, 5_500) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const db = store()
        let at = 0
        const caches = [0, 1].map(() => new RowCache({ now: () => at, mostBytes: 1_000 }))
        /** What each row was, and until when. */
        const past = new Map<string, { readonly name: unknown; readonly until: number }[]>()
        let count = 0
        for (const one of steps) {
          if (one.what === 'pass') at += one.ms
          else if (one.what === 'read') {
            const [cache, current] = [caches[one.in]!, db.rows.get(one.id)?.['name']]
            const name = (
              await cache.read({ session: db.session, tenantId: 't', resource: site, id: one.id, maxAge: 5_000 })
            )?.['name']
            const was = past.get(one.id)?.findLast((state) => state.name === name)
            expect(name === current || (was !== undefined && at - was.until < 5_000)).toBe(true)
          } else {
            past.set(one.id, [...(past.get(one.id) ?? []), { name: db.rows.get(one.id)?.['name'], until: at }])
            if (one.what === 'write') db.write(one.id, `name ${(count += 1)}`)
            else db.rows.delete(one.id)
            caches[one.in]!.forget({ tenantId: 't', resource: 'site' })
            const session = db.session
            const read = { session, tenantId: 't', resource: site, id: one.id, maxAge: 5_000 }
            expect((await caches[one.in]!.read(read))?.['name']).toBe(db.rows.get(one.id)?.['name'])
          }
        }
      }),
      { numRuns: 200 },
    )
  })
})

test('`cache` is refused where a row is not the same for every reader', () => {
  const faultsOf = (facts: Partial<Parameters<typeof defineResource>[0]>, platform = false) => {
    const faults: StartupFault[] = []
    const declared: Resource = defineResource({ table: sites, ...facts } as { table: typeof sites })
    readDeclaration(platform ? [] : [declared], platform ? [{ name: 'x', resources: [declared] }] : [], faults)
    return faults.filter(({ path }) => path === 'resource site.cache').map(({ problem }) => problem)
  }
  expect(faultsOf({ cache: '30s' })).toEqual([])
  expect(faultsOf({ cache: 'soon' })).toEqual(["'soon' is no length of time"])
  expect(faultsOf({ cache: '30s', hooks: { afterRead: () => undefined } })).toHaveLength(1)
  expect(faultsOf({ cache: '30s' }, true)).toHaveLength(1)
})
