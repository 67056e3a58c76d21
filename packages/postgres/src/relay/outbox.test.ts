import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { openServer, type Opened } from '../../tests/fixture.ts'
import { BATCH, dueEvents } from './outbox.ts'

let opened: Opened
beforeAll(async () => {
  opened = await openServer(inject('postgresUrl'))
})
afterAll(() => opened.close())

test('what is due is not found by a plan of the time when there was nothing', async () => {
  const { owner, drivers } = opened
  await owner.query('vacuum analyze plinth.events')
  const system = await drivers.system()
  await system.transaction(async (connection) => {
    for (let round = 0; round < 8; round += 1) expect(await dueEvents(connection)).toEqual([])
    await owner.query(`
      insert into plinth.events (tenant_id, id, type, key, data, actor_kind, actor_id, request_id, occurred_at, delivered_at)
      select gen_random_uuid(), gen_random_uuid(), 'site.created', 'site:' || n, '{}', 'system', 'system', 'r', now(),
        case when n <= 3000 then now() end from generate_series(1, 3200) n`)
    expect(await dueEvents(connection)).toHaveLength(BATCH)
    const [read] = await connection.query(`
      select seq_tup_read::int as rows from pg_stat_xact_user_tables where schemaname = 'plinth' and relname = 'events'`)
    expect(read).toEqual({ rows: 0 })
  })
})
