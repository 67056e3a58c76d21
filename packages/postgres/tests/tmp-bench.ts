import { always, and, compare, compareFact, contains, fieldOf, or, inGroups } from '@plinth/core'
import { attach, listening, projects, recording, scopeOf, everything } from './fixture.ts'
import { printRead } from '../src/statements/read.ts'
import { printList } from '../src/statements/list.ts'
import { printCreate } from '../src/statements/create.ts'
import { printDelete, printUpdate } from '../src/statements/change.ts'
import { compileRecords } from '../src/statements/records.ts'
import { ShapeCache } from '../src/statements/shape-cache.ts'
import type { Drivers } from '../src/drivers/driver.ts'

const none = { kind: 'postgres' } as unknown as Drivers
const attached = attach({ ...none, app: {} as never }, [recording(), listening('*')])
const p = attached.resource(projects)
const records = compileRecords(attached.registry, false, [])
const bare = compileRecords({ ...attached.registry, features: [], listened: new Set() }, false, [])
const scope = scopeOf('0190a000-0000-7000-8000-00000000000a', { facts: { principalId: 'ann', userId: '0190a000-0000-7000-8000-0000000000aa', groupIds: ['0190a000-0000-7000-8000-0000000000ab'] } })
const id = '0190b000-0000-7000-8000-000000000001'
const own = or(inGroups('ownerGroupId'), compareFact('ownerUserId', 'eq', 'userId'))
const sort = [{ field: fieldOf(p, 'createdAt'), descending: true }, { field: fieldOf(p, 'id'), descending: true }]
const values = new Map(['name', 'status', 'contactEmail', 'siteId'].map((key) => [fieldOf(p, key), 'x']))
const shapes = new ShapeCache()
const list = { resource: p, where: always, sort, after: undefined, limit: 21, offset: 0, fields: p.fields }
const cases = {
  'read, always': () => printRead({ resource: p, id, visible: always }, scope, false),
  'read, own or group': () => printRead({ resource: p, id, visible: own }, scope, false),
  'list, first page': () => printList(list, scope, false),
  'list, cursor + filter + scope': () => printList({ ...list, where: and(own, compare('status', 'eq', 'live')), after: ['2026-11-20 20:54:57.107123+00', id] }, scope, false),
  'list, search': () => printList({ ...list, where: contains('name', 'müller gmbh') }, scope, false),
  'create 4 of 15, bare': () => printCreate({ resource: p, id, ownerUserId: null, values }, scope, bare, false),
  'create 4 of 15, record + event': () => printCreate({ resource: p, id, ownerUserId: null, values }, scope, records, false),
  'update 4, record + event': () => printUpdate({ resource: p, id, ...everything, visible: own, allowed: own, event: 'updated', values }, scope, records, false),
  'delete, record + event': () => printDelete({ resource: p, id, ...everything, event: 'deleted' }, scope, records, false),
}
for (const round of [0, 1, 2]) for (const [name, run] of Object.entries(cases)) {
  const N = 100_000
  let length = 0
  for (let i = 0; i < 20_000; i++) length += run().text.length
  const t0 = performance.now(); for (let i = 0; i < N; i++) length += run().text.length
  const t1 = performance.now(); for (let i = 0; i < N; i++) length += shapes.admit(run()) ? 1 : 0
  const t2 = performance.now()
  if (round === 2) console.log(name.padEnd(34), `${((t1 - t0) / N * 1000).toFixed(2)} µs print, ${((t2 - t1) / N * 1000).toFixed(2)} µs with admission (flatten + hash), text ${run().text.length}`, length > 0 ? '' : '')
}
