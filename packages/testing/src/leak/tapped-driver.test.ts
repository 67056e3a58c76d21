import type { Driver } from '@plinth/postgres/driver'
import { expect, test } from 'vitest'
import {
  countTenantConditions,
  tappedDriver,
  withoutTenantCondition,
  withoutTenantConditions,
} from './tapped-driver.ts'

const text =
  'select p.* from "public"."crates" p where p.tenant_id = $1::uuid and "q"."tenant_id" = $1::uuid and x = $1::uuid'

test('finds every condition on the tenant, and takes away all or one', () => {
  expect(countTenantConditions(text)).toBe(2)
  expect(withoutTenantConditions(text)).toBe(
    'select p.* from "public"."crates" p where $1::uuid is not null and $1::uuid is not null and x = $1::uuid',
  )
  expect(withoutTenantCondition(text, 1)).toBe(
    'select p.* from "public"."crates" p where p.tenant_id = $1::uuid and $1::uuid is not null and x = $1::uuid',
  )
  // What is written is no condition.
  expect(countTenantConditions('insert into t (tenant_id) select $1::uuid')).toBe(0)
})

test('shows and changes what is sent, in transactions too, and can send it elsewhere', async () => {
  const sent: string[] = []
  const driver = (name: string): Driver => {
    const query: Driver['query'] = async (statement) => {
      sent.push(`${name}: ${statement}`)
      return []
    }
    return {
      kind: 'postgres',
      query,
      transaction: (work) =>
        work({
          query,
          last: (all) => sent.push(...all.map(({ text }) => `${name}: ${text}`)),
          until: () => undefined,
        }),
      script: async () => undefined,
      close: async () => undefined,
    }
  }
  const tapped = tappedDriver(driver('one'))
  const seen: string[] = []
  tapped.observe = (statement) => void seen.push(statement)
  await tapped.query('a')
  tapped.rewrite = (statement) => statement.toUpperCase()
  await tapped.transaction((connection) => {
    connection.last([{ text: 'last', parameters: [], options: {} }])
    return connection.query('b')
  })
  tapped.target = driver('two')
  await tapped.query('c')
  expect(sent).toEqual(['one: a', 'one: LAST', 'one: B', 'two: C'])
  expect(seen).toEqual(['a', 'last', 'b', 'c'])
})
