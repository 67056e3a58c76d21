import { expect, test } from 'vitest'
import { found, keptBook } from './kept-book.ts'

/* What was changed, and of which there is no copy, is never right again. Somebody answers for it, and the log goes on. */

const kept = keptBook(9)
const { asSuperuser, put, out, health } = kept
const change = (seq: number): Promise<void> =>
  asSuperuser(`update plinth.audit_logs set actor_id = 'innocent' where tenant_id = '${kept.id}' and seq = ${seq}`)
const command = (name: string, options: Readonly<Record<string, string>> = {}): Promise<unknown> =>
  kept.command(name, { tenant: kept.id, ...options })
const acknowledge = (reason = 'nobody has a copy'): Promise<unknown> => command('audit:acknowledge', { reason })

test('a fault that was acknowledged makes nothing unhealthy, what comes later is signed, and whoever verifies is told of it', async () => {
  await change(4)
  await expect(command('audit:checkpoint')).rejects.toMatchObject(found('entry 4 is changed'))
  await expect(health()).rejects.toThrow('not as they were written: 1')
  await acknowledge()
  expect((await kept.book.entries()).at(-1)).toMatchObject({
    action: 'auditLog.acknowledged',
    actor_kind: 'system',
    detail: { firstBad: 4, fault: 'changed', reason: 'nobody has a copy' },
  })
  await health()
  await put(2)
  await command('audit:checkpoint')
  await put(2)
  await command('audit:checkpoint')
  const known = { valid: false, firstBad: 4, reason: 'changed', acknowledged: true }
  expect(await kept.book.feature.verifyLog(kept.id)).toMatchObject(known)
  await expect(command('audit:verify')).rejects.toMatchObject(found('entry 4 is changed, which was acknowledged'))
  await expect(command('audit:archive', { out: out() })).rejects.toMatchObject(found('entry 4'))
  await health()
  await expect(acknowledge()).rejects.toMatchObject({ code: 'conflict' })
})

test.each([
  ['a later entry that is changed', 13],
  ['one before it', 2],
])('%s is found', async (_, seq) => {
  await change(4)
  await acknowledge()
  await put(3)
  await command('audit:checkpoint')
  await change(seq)
  await expect(command('audit:verify')).rejects.toMatchObject(found(`entry ${seq} is changed`))
  await expect(health()).rejects.toThrow('not as they were written: 1')
  await expect(command('audit:checkpoint')).rejects.toMatchObject(found('entry '))
})

test('that entry itself cannot be taken out of what is known', async () => {
  await change(4)
  await acknowledge()
  const last = Math.max(...(await kept.book.entries()).map(({ seq }) => seq))
  await put(3)
  await command('audit:checkpoint')
  await asSuperuser(`delete from plinth.audit_logs where tenant_id = '${kept.id}' and seq = ${last}`)
  await expect(command('audit:verify')).rejects.toMatchObject(found(`entry ${last} is rewritten`))
  await expect(health()).rejects.toThrow('not as they were written: 1')
})

test('what is lost is lost: a file of before says so, and the log goes on', async () => {
  const file = out()
  await command('audit:checkpoint', { out: file })
  await asSuperuser(`delete from plinth.audit_logs where tenant_id = '${kept.id}' and seq > 5`)
  await expect(command('audit:verify', { checkpoint: file })).rejects.toMatchObject(found('is missing'))
  kept.book.platform.clock.advance(1_000)
  await acknowledge()
  await put(9)
  await command('audit:checkpoint')
  await expect(command('audit:verify', { checkpoint: file })).rejects.toMatchObject(found('which was acknowledged'))
  await health()
  await command('audit:checkpoint')
})

test('nobody acknowledges by writing into the table, nor what is right', async () => {
  await expect(acknowledge()).rejects.toMatchObject({ code: 'conflict' })
  await expect(acknowledge(' ')).rejects.toMatchObject({ code: 'validation_failed' })
  await change(4)
  await acknowledge()
  const [row] = await kept.book.platform.superuser.query(
    `select fault from plinth.audit_checkpoints where fault is not null`,
  )
  const text = String(row!['fault'])
  await asSuperuser(`update plinth.audit_logs set actor_id = 'guilty' where tenant_id = '${kept.id}' and seq = 4`)
  await change(6)
  for (const forged of [text.replace('entry 4', 'entry 6'), text.replace(/ \d+ /, ' 7 '), text]) {
    await asSuperuser(`update plinth.audit_checkpoints set fault = '${forged}' where tenant_id = '${kept.id}'`)
    expect(await kept.book.feature.verifyLog(kept.id), forged).not.toHaveProperty('acknowledged')
    await expect(health(), forged).rejects.toThrow('not as they were written: 1')
  }
})
