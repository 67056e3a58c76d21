import type { AuditDraft } from '@plinth/core'
import { expect, test } from 'vitest'
import { RefusalCounts, type Counted } from './refusal-counts.ts'

const TENANT = '0190a000-0000-7000-8000-000000000001'
const NOW = Date.parse('2026-11-28T12:00:00Z')

type Refused = Partial<AuditDraft> & Pick<AuditDraft, 'actor' | 'action'>

const draftOf = (refused: Refused): AuditDraft => ({
  tenantId: TENANT,
  outcome: 'denied',
  requestId: 'r',
  time: new Date(NOW),
  ...refused,
})
/** As the platform tells of one. @returns whether it is an entry at once */
function tell(counts: RefusalCounts, refused: Refused, now = NOW): boolean {
  const draft = draftOf(refused)
  const isEntry = counts.admits(draft, now)
  if (!isEntry) counts.count(draft, 1, now)
  return isEntry
}
const stranger = (at: number): Refused => ({
  tenantId: null,
  actor: { kind: 'anonymous', id: '' },
  action: 'credential.refused',
  client: { address: `2001:db8::${at.toString(16)}`, userAgent: undefined },
})
const user = (id: string, action: string, more: Partial<AuditDraft> = {}): Refused => ({
  actor: { kind: 'user', id },
  action,
  ...more,
})
const brief = (taken: readonly Counted[]): readonly string[] =>
  taken.map(
    ({ draft, repeated }) =>
      `${draft.actor.kind}:${draft.actor.id} ${draft.action} ${draft.outcome ?? ''} ${draft.target ?? '-'} ${repeated}`,
  )

test('however many strangers there are, each denial of a member is his own', () => {
  const counts = new RefusalCounts()
  let entries = 0
  for (let at = 0; at < 30_000; at += 1) if (tell(counts, stranger(at))) entries += 1
  expect(entries).toBe(100)
  for (let at = 0; at < 5; at += 1)
    expect(tell(counts, user('mallory', 'role.delete', { target: `role-${at}` }))).toBe(true)
  expect(tell(counts, user('alice', 'site.read'))).toBe(true)
  const taken = counts.take(NOW, true)
  expect(taken.some(({ draft }) => draft.tenantId === TENANT)).toBe(false)
  expect(taken.reduce((sum, { repeated }) => sum + repeated, 0)).toBe(30_000 - 100)
  // Memory is not theirs to fill.
  expect(taken.length).toBeLessThanOrEqual(1_001)
})

test('nor do strangers take the place of an account that is tried', () => {
  const counts = new RefusalCounts()
  for (let at = 0; at < 2_000; at += 1) tell(counts, stranger(at))
  const tried: Refused = { ...stranger(1), action: 'auth.logIn', target: 'account-1' }
  for (let at = 0; at < 13; at += 1) tell(counts, tried)
  expect(brief(counts.take(NOW, true))).toContain('anonymous: auth.logIn denied account-1 13')
})

test('those for whom there is no room are one number, and it names none of them', () => {
  const counts = new RefusalCounts()
  for (let at = 0; at < 10_000; at += 1) tell(counts, user(`u${at}`, 'site.update', { tenantId: `tenant ${at % 20}` }))
  for (let at = 0; at < 5; at += 1)
    expect(tell(counts, user('mallory', 'role.delete', { target: 'role-1' }))).toBe(false)
  tell(counts, user('mallory', 'role.delete', { outcome: 'failed' }))
  tell(counts, user('alice', 'site.read', { client: { address: '192.0.2.1', userAgent: 'curl' }, requestId: 'hers' }))
  const taken = counts.take(NOW, true)
  expect(brief(taken)).toEqual([
    'system:audit auditLog.overflowed denied - 6',
    'system:audit auditLog.overflowed failed - 1',
  ])
  expect(JSON.stringify(taken)).not.toMatch(/alice|mallory|192\.0\.2\.1|hers|role/)
})

test('a number of several targets names none of them', () => {
  const counts = new RefusalCounts()
  for (let at = 0; at < 14; at += 1)
    tell(counts, user('mallory', 'role.delete', { target: at < 12 ? 'role-1' : `role-${at}` }))
  for (let at = 0; at < 14; at += 1) tell(counts, user('mallory', 'site.delete', { target: 'site-1' }))
  expect(brief(counts.take(NOW, true))).toEqual([
    'user:mallory role.delete denied - 4',
    'user:mallory site.delete denied site-1 4',
  ])
})

test('who comes again before each look puts his number off no longer than his minute', () => {
  const counts = new RefusalCounts()
  for (let at = 0; at < 13; at += 1) tell(counts, user('mallory', 'role.delete'), NOW)
  // A minute later, before anybody looked.
  tell(counts, user('mallory', 'role.delete'), NOW + 60_000)
  expect(brief(counts.take(NOW + 60_001, false))).toEqual(['user:mallory role.delete denied - 3'])
  expect(counts.isEmpty).toBe(false)
  expect(counts.take(NOW + 120_000, false)).toEqual([])
  expect(counts.isEmpty).toBe(true)
})

test('a tenant of many callers takes no place of another tenant, and has it again', () => {
  const counts = new RefusalCounts()
  for (let key = 0; key < 50; key += 1)
    for (let action = 0; action < 200; action += 1) tell(counts, user(`key-${key}`, `site.verb${action}`))
  expect(tell(counts, user('alice', 'site.read', { tenantId: 'another' }))).toBe(true)
  expect(tell(counts, user('bob', 'site.read'))).toBe(false)
  counts.take(NOW, true)
  expect(tell(counts, user('bob', 'site.read'))).toBe(true)
})

test('a number has no reason that not all of it had', () => {
  const counts = new RefusalCounts()
  const access = (reason: string): Refused => user('cron', 'system.access', { outcome: 'failed', detail: { reason } })
  for (let at = 0; at < 20; at += 1) tell(counts, access('reports'))
  expect(counts.take(NOW, true).map(({ draft }) => draft.detail)).toEqual([{ reason: 'reports' }])
  for (let at = 0; at < 20; at += 1) tell(counts, access('reports'))
  tell(counts, access('payroll'))
  expect(counts.take(NOW, true).map(({ draft, repeated }) => [draft.detail, repeated])).toEqual([[undefined, 11]])
})
