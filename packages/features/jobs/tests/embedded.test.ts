import { defineJob } from '@plinth/core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { jobPlatform, note, notes, type JobPlatform } from './job-platform.ts'

/* The embedded database has one session: what asks it beside its own transaction would wait for itself. */

const small = defineJob({
  name: 'note.small',
  input: z.object({ title: z.string() }),
  together: 10,
  retry: { attempts: 1 },
  run: async (ctx, { title }) => {
    await ctx.create(notes, { title })
    if (title === 'bad') throw new Error('not this one')
  },
})

let platform: JobPlatform
beforeAll(async () => {
  platform = await jobPlatform([small], { concurrency: 2 }, { resources: [note], kind: 'pglite' })
})
afterAll(() => platform.close())

test('jobs share a transaction, and one that fails is the only one', async () => {
  await platform.plinth.as(platform.principal(), platform.a.slug, async (ctx) => {
    for (const title of ['n0', 'n1', 'bad', 'n2', 'n3', 'n4']) await ctx.enqueue(small, { title })
  })
  await platform.settled()
  const states = (await platform.rows()).map((row) => row['status'])
  expect(states).toEqual(['completed', 'completed', 'dead', 'completed', 'completed', 'completed'])
  expect(await platform.titles()).toHaveLength(5)
})

test('the last attempt of a process that is gone, in a tenant that this one has not met yet', async () => {
  await platform.enqueue(small, { title: 'late' }, { delay: '1h' })
  await platform.superuser.script(`
    create temp table cold as select * from plinth.tenants where id = '${platform.a.id}';
    update cold set id = gen_random_uuid(), slug = 'cold', name = 'cold';
    insert into plinth.tenants select * from cold;
    create temp table lost as select * from plinth.background_jobs where status = 'scheduled';
    update lost set tenant_id = (select id from cold), id = gen_random_uuid(), status = 'running', attempts = 1,
      lease_until = now() - interval '1 day';
    insert into plinth.background_jobs overriding system value select * from lost;
    drop table cold, lost`)
  await vi.waitFor(
    async () =>
      expect(await platform.rows(`error = 'The process that ran it is gone.'`)).toMatchObject([{ status: 'dead' }]),
    { timeout: 10_000 },
  )
})
