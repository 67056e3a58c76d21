import type { Platform } from '@plinth/core'
import { expect, test } from 'vitest'
import { LayerStore } from './layer-store.ts'

function counted(): { readonly store: LayerStore; readonly asked: () => number } {
  let asked = 0
  const run = (): Promise<readonly []> => Promise.resolve([])
  const system = (work: (runner: unknown) => Promise<unknown>): Promise<unknown> => {
    asked += 1
    return work({ run })
  }
  // Of the platform nothing else is asked.
  const platform = { database: { system } } as unknown as Platform
  return { store: new LayerStore(() => platform, 'setting'), asked: () => asked }
}

test('whoever looks at the newest has nobody else ask anew', async () => {
  const { store, asked } = counted()
  await Promise.all([store.said(undefined), store.said({ tenantId: 'a' }), store.said({ tenantId: 'a', userId: 'u' })])
  expect(asked()).toBe(3)
  await store.said({ tenantId: 'b' }, { fresh: true })
  await store.said({ tenantId: 'a' }, { fresh: true })
  expect(asked()).toBe(5)
  await Promise.all([store.said(undefined), store.said({ tenantId: 'b' }), store.said({ tenantId: 'a', userId: 'u' })])
  expect(asked()).toBe(5)
})

test('what one person changes is forgotten of him; what a tenant or the operator changes, of everybody', async () => {
  const { store, asked } = counted()
  const [tenant, ada, bob] = [undefined, 'ada', 'bob'].map((userId) => ({ tenantId: 'a', ...(userId && { userId }) }))
  const all = (): Promise<unknown> => Promise.all([tenant, ada, bob].map((audience) => store.said(audience)))
  await all()
  store.forget(ada)
  await all()
  expect(asked()).toBe(4)
  store.forget(tenant)
  await all()
  expect(asked()).toBe(7)
  store.forget(undefined)
  await all()
  expect(asked()).toBe(10)
})
