import { silentLogger, statement } from '@plinth/core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { capturedLog } from '../../../testing/src/log/captured-log.ts'
import { openServer, type Opened } from '../../tests/fixture.ts'
import { Sweep } from './sweep.ts'

let opened: Opened
beforeAll(async () => {
  opened = await openServer(inject('postgresUrl'))
})
afterAll(() => opened.close())

test('what has had its time goes, all else stays', async () => {
  const system = await opened.drivers.system()
  const tenant = crypto.randomUUID()
  for (const [key, expires] of [
    ['old', '-1 minute'],
    ['new', '1 hour'],
  ]) {
    await system.query(
      `insert into plinth.idempotency_keys (tenant_id, principal, key, fingerprint, sealed, created_at, expires_at)
       values ($1::uuid, 'service:x', $2::text, 'f', 's', now(), now() + $3::text::interval)`,
      [tenant, key!, expires!],
    )
  }
  for (const [type, delivered] of [
    ['old', "now() - interval '8 days'"],
    ['recent', 'now()'],
    ['waiting', 'null'],
    ['parked', 'null'],
  ]) {
    await system.query(
      `insert into plinth.events (tenant_id, id, type, key, data, actor_kind, actor_id, request_id, occurred_at, delivered_at)
       values ($1::uuid, gen_random_uuid(), $2::text, 'k', '{}', 'service', 'x', 'r', now(), ${delivered})`,
      [tenant, type!],
    )
  }
  // Set aside long ago, and nobody has decided yet.
  await system.query(
    `update plinth.events set parked_at = now() - interval '90 days' where tenant_id = $1::uuid and type = 'parked'`,
    [tenant],
  )
  await new Sweep(() => opened.drivers.system(), silentLogger).run()
  const keys = await system.query('select key from plinth.idempotency_keys where tenant_id = $1::uuid', [tenant])
  expect(keys.map((row) => row['key'])).toEqual(['new'])
  const events = await system.query('select type from plinth.events where tenant_id = $1::uuid order by type', [tenant])
  expect(events.map((row) => row['type'])).toEqual(['parked', 'recent', 'waiting'])
})

test('features say what goes by statements and by work, in their order; what fails is logged and ends nothing else', async () => {
  const done: string[] = []
  const step =
    (name: string, fails = false) =>
    (): Promise<void> => {
      done.push(name)
      return fails ? Promise.reject(new Error(`${name} is away`)) : Promise.resolve()
    }
  const log = capturedLog()
  const sweep = new Sweep(() => opened.drivers.system(), log, [
    { name: 'first', steps: () => [step('one'), statement`select ${'two'}::text`, step('three', true), step('four')] },
    { name: 'second', steps: () => [statement`select ${'no number'}::text::int`, step('five')] },
    {
      name: 'third',
      steps: () => {
        throw new Error('none to be had')
      },
    },
    { name: 'fourth', steps: () => [step('six')] },
  ])
  await sweep.run()
  expect(done).toEqual(['one', 'three', 'four', 'five', 'six'])
  expect(log.of('sweep_interrupted').map(({ fields }) => fields['of'])).toEqual(['first', 'second', 'third'])
  await sweep.run()
  expect(done.slice(5)).toEqual(['one', 'three', 'four', 'five', 'six'])
})
