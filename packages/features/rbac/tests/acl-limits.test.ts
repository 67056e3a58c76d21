import { StartupError } from '@plinth/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { idOf, openHouse, outcome, type House, type Person } from './people.ts'

let house: House
let owner: Person
let people: readonly Person[]
const FULL = '409 too_many_entries'
beforeAll(async () => {
  house = await openHouse({ pool: 8, rbac: { acl: { perTenant: 12, perSubject: 6, perRow: 1 } } })
  owner = await house.member('olga', ['owner'])
  people = await Promise.all(Array.from({ length: 8 }, (_, at) => house.member(`p${at}`, ['read_only'])))
}, 60_000)
afterAll(() => house.close())

const clear = (): Promise<unknown> => house.platform.superuser.query('delete from plinth.acl_entries')
const stored = async (): Promise<number> =>
  (await house.platform.superuser.query('select id from plinth.acl_entries')).length
const folder = async (): Promise<string> => idOf(await house.ask(owner, 'POST', 'folders', { name: 'one' }))
const say = (resource: string, person: Person, recordId?: string) =>
  house.ask(owner, 'POST', 'acl', { resource, principal: { kind: 'user', id: person.id }, effect: 'allow', recordId })
const tally = (outcomes: readonly string[]): Readonly<Record<string, number>> =>
  Object.fromEntries([...new Set(outcomes)].sort().map((each) => [each, outcomes.filter((one) => one === each).length]))

test('a hundred at once about ten rows: each takes one', { timeout: 60_000 }, async () => {
  await clear()
  const ids = await Promise.all(Array.from({ length: 10 }, folder))
  const replies = await Promise.all(
    Array.from({ length: 100 }, (_, at) => say('Folder.read', people[at % 8]!, ids[Math.floor(at / 10)]!)),
  )
  const refused = replies.filter((reply) => outcome(reply) === FULL)
  expect(refused[0]?.json).toMatchObject({ detail: 'The most entries of the ACL about one row: 1.' })
  const rows = await house.platform.superuser.query('select record_id from plinth.acl_entries')
  expect(rows.map((row) => String(row['record_id'])).sort()).toEqual([...ids].sort())
  // What was taken back makes room.
  const made = replies.find(({ status }) => status === 201)!
  const { recordId } = made.json as { readonly recordId: string }
  expect(outcome(await say('Folder.update', people[7]!, recordId))).toBe(FULL)
  await house.ask(owner, 'DELETE', `acl/${idOf(made)}`)
  expect(outcome(await say('Folder.*', people[7]!, recordId))).toBe('201')
})

test('a hundred at once about one subject, and of one tenant', { timeout: 60_000 }, async () => {
  await clear()
  const ids = await Promise.all(Array.from({ length: 25 }, folder))
  const ofOne = await Promise.all(ids.map((id) => say('Folder.update', people[0]!, id)))
  expect(tally(ofOne.map(outcome))).toEqual({ '201': 6, [FULL]: 19 })
  expect(ofOne.find((reply) => outcome(reply) === FULL)?.json).toMatchObject({
    detail: 'The most entries of the ACL about one subject: 6.',
  })
  const ofAll = await Promise.all(
    Array.from({ length: 100 }, (_, at) => say('Folder.update', people[1 + (at % 7)]!, ids[Math.floor(at / 7)]!)),
  )
  expect(tally(ofAll.map(outcome))).toEqual({ '201': 6, [FULL]: 94 })
  expect(await stored()).toBe(12)
  expect((await say('Folder.delete', people[7]!)).json).toMatchObject({
    detail: 'The most entries of the ACL of a tenant: 12.',
  })
})

test('what is no limit is a fault at start', async () => {
  const error: unknown = await openHouse({ rbac: { acl: { perTenant: 0, perRow: 1.5 } } }).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof StartupError)) throw error
  expect(error.faults.map(({ path, fix }) => `${path} ${fix}`)).toEqual([
    'rbac.acl.perTenant acl: { perTenant: 100000 }',
    'rbac.acl.perRow acl: { perRow: 1000 }',
  ])
})
