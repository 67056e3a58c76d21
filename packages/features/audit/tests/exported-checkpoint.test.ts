import { beforeAll, expect, test } from 'vitest'
import { found, keptBook } from './kept-book.ts'
import { openBook } from './open-book.ts'

/*
 * Whoever cuts off the end of a chain and takes away what is kept beside it leaves a chain that is right by itself. An exported checkpoint shows
 * it; whoever comes next has no file.
 */

const kept = keptBook(6)
const { asSuperuser, put, putBack, command, out, health } = kept
const file = out()
beforeAll(async () => {
  await command('audit:checkpoint', { tenant: kept.id, out: file })
  await kept.keep()
})

const cut = (): Promise<void> =>
  asSuperuser(
    `delete from plinth.audit_logs where tenant_id = '${kept.id}' and seq > 3; delete from plinth.audit_checkpoints`,
  )

test('what an exported checkpoint showed is found by whoever comes without it, and is not signed', async () => {
  await cut()
  await expect(command('audit:verify', { tenant: kept.id, checkpoint: file })).rejects.toMatchObject(
    found(`${kept.id}: entry 4 is missing`),
  )
  const words = found(`${kept.id}: entry `)
  for (const [name, options] of [
    ['audit:checkpoint', { tenant: kept.id }],
    ['audit:verify', { tenant: kept.id }],
    ['audit:archive', { tenant: kept.id, out: out() }],
  ] as const)
    await expect(command(name, options), name).rejects.toMatchObject(words)
  await expect(health()).rejects.toThrow('not as they were written: 1')
  await putBack()
  await command('audit:verify', { tenant: kept.id })
  await health()
  await command('audit:checkpoint', { tenant: kept.id })
})

test('also where the chain was written on and signed before anybody looked', async () => {
  await cut()
  await put(9)
  await command('audit:checkpoint', { tenant: kept.id })
  await expect(command('audit:verify', { tenant: kept.id, checkpoint: file })).rejects.toMatchObject(
    found('entry 7 is rewritten'),
  )
  expect(await kept.book.feature.verifyLog(kept.id)).toMatchObject({ valid: false, firstBad: 7, reason: 'rewritten' })
  await expect(command('audit:checkpoint', { tenant: kept.id })).rejects.toMatchObject(found('entry 7 is rewritten'))
})

test('one that is of less than what is known does not take the place of that', async () => {
  await put(3)
  await command('audit:checkpoint', { tenant: kept.id })
  await asSuperuser(`delete from plinth.audit_logs where tenant_id = '${kept.id}' and seq > 3`)
  await expect(command('audit:verify', { tenant: kept.id, checkpoint: file })).rejects.toMatchObject(
    found('is missing'),
  )
  await putBack()
  // All of that file, and not of what was signed since.
  expect(await kept.book.feature.verifyLog(kept.id)).toMatchObject({ valid: false })
})

test('a command that signs nothing of a log says in it what it found, and that it signed the others in that of the platform', async () => {
  const told = async (tenant: string) =>
    (await kept.book.entries(tenant)).filter(({ action }) => action.startsWith('auditLog.'))
  const platform = '00000000-0000-0000-0000-000000000000'
  await command('audit:checkpoint', { tenant: kept.id })
  await asSuperuser(
    `update plinth.audit_logs set actor_id = 'innocent' where tenant_id = '${kept.id}' and seq = 4; delete from plinth.audit_checkpoints`,
  )
  const [here, there] = [(await told(kept.id)).length, (await told(platform)).length]
  await expect(command('audit:checkpoint', { tenant: kept.id })).rejects.toMatchObject(found('entry 4 is changed'))
  const verified = { action: 'auditLog.verified', detail: { valid: false, entries: 4, firstBad: 4 } }
  expect((await told(kept.id)).slice(here)).toMatchObject([verified])
  expect((await told(platform)).slice(there)).toEqual([])
  await expect(command('audit:checkpoint')).rejects.toMatchObject(found('entry 4 is changed'))
  expect((await told(kept.id)).slice(here)).toMatchObject([verified, verified])
  expect((await told(platform)).slice(there)).toMatchObject([{ action: 'auditLog.signed', detail: { logs: 'all' } }])
})

test('what another platform has signed is found once, and keeps nothing from being signed', async () => {
  const other = await openBook()
  const theirs = out()
  await other.platform.superuser.script(`
    insert into plinth.audit_inbox (tenant_id, occurred_at, actor_kind, actor_id, action, request_id)
    select '${kept.id}', now(), 'user', 'x', 'thing.happened', 'r' || n from generate_series(1, 40) n`)
  await other.command('audit:checkpoint', { tenant: kept.id, out: theirs })
  await other.close()
  await expect(command('audit:verify', { tenant: kept.id, checkpoint: theirs })).rejects.toMatchObject(found('entry '))
  expect(await kept.book.feature.verifyLog(kept.id)).toMatchObject({ valid: true })
})
