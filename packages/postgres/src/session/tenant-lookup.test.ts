import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { TenantLookup } from './tenant-lookup.ts'

/** A lookup over tenants of a Map, with a clock of its own; `asked` holds what each statement asked for. */
function lookup(tenants: ReadonlyMap<string, string>) {
  const asked: string[][] = []
  const clock = { now: 0 }
  let failing = false
  const tenantLookup = new TenantLookup(
    (_text, [wanted]) => {
      const names = JSON.parse(`[${String(wanted).slice(1, -1)}]`) as string[]
      asked.push(names)
      if (failing) return Promise.reject(new Error('gone'))
      return Promise.resolve(
        names
          .filter((name) => tenants.has(name))
          .map((name) => ({ wanted: name, id: name, slug: name, name, status: tenants.get(name)! })),
      )
    },
    () => clock.now,
  )
  return { asked, clock, find: (name: string) => tenantLookup.find(name), fail: (does: boolean) => (failing = does) }
}

test('an answer serves for a second, also that there is none', async () => {
  const tenants = new Map([['acme', 'active']])
  const { asked, clock, find } = lookup(tenants)
  expect((await find('acme'))?.status).toBe('active')
  expect(await find('nobody')).toBeUndefined()
  tenants.set('acme', 'suspended')
  clock.now = 749
  expect((await find('acme'))?.status).toBe('active')
  expect(asked).toHaveLength(2)
  clock.now = 1_000
  expect((await find('acme'))?.status).toBe('suspended')
  expect(asked).toHaveLength(3)
})

test("a tenant may be called null, which is no word of an array's here", async () => {
  const { find } = lookup(new Map([['null', 'active']]))
  expect((await find('null'))?.slug).toBe('null')
})

test('a thousand busy tenants are one statement, and who is not asked for any more is dropped', async () => {
  const names = Array.from({ length: 1_000 }, (_, at) => `tenant-${at}`)
  const { asked, clock, find } = lookup(new Map(names.map((name) => [name, 'active'])))
  const useAll = async (used: readonly string[]): Promise<void> => {
    for (const name of used) await find(name)
  }
  await useAll(names)
  await useAll(names)
  expect(asked).toHaveLength(1_000)
  for (const at of [800, 1_600, 2_400]) {
    clock.now = at
    await useAll(names.slice(0, 500))
    await useAll(names.slice(0, 500))
  }
  expect(asked.slice(1_000).map((one) => one.length)).toEqual([1_000, 500, 500])
})

test('while all are asked for again, the answers that still hold are used', async () => {
  const tenants = new Map([['acme', 'active']])
  const { asked, clock, find } = lookup(tenants)
  await find('acme')
  tenants.set('acme', 'suspended')
  clock.now = 800
  expect((await find('acme'))?.status).toBe('active')
  await setImmediate()
  expect((await find('acme'))?.status).toBe('suspended')
  expect(asked).toHaveLength(2)
})

test('a failure is not an answer: the old one serves until its second is over', async () => {
  const { clock, find, fail } = lookup(new Map([['acme', 'active']]))
  await find('acme')
  fail(true)
  clock.now = 800
  expect((await find('acme'))?.slug).toBe('acme')
  clock.now = 1_000
  await expect(find('acme')).rejects.toThrow('gone')
  fail(false)
  expect((await find('acme'))?.slug).toBe('acme')
})

test('what is no slug and no id is never asked for', async () => {
  const { asked, find } = lookup(new Map())
  for (const name of ['', 'a b', 'a,b', '{a}', 'x'.repeat(64), 'a\0']) expect(await find(name)).toBeUndefined()
  expect(asked).toEqual([])
})
