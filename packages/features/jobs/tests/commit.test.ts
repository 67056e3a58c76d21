import { defineJob, type Context } from '@plinth/core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { jobPlatform, notes, type JobPlatform } from './job-platform.ts'

/* What a job that waits for its COMMIT leaves to others: its place, and its connection. One job at a time. */

const begun: { readonly title: string; readonly others: readonly unknown[] }[] = []
const input = z.object({ title: z.string() })
const run = async (ctx: Context, { title }: z.infer<typeof input>): Promise<void> => {
  const rows = await platform.rows()
  begun.push({ title, others: rows.filter((row) => row['status'] === 'completed').map((row) => row['id']) })
  await ctx.create(notes, { title })
}
const write = defineJob({ name: 'write', input, retry: { attempts: 1 }, run })

let platform: JobPlatform
beforeAll(async () => {
  platform = await jobPlatform([write], { concurrency: 1 }, { pool: 10 })
  // Judged at COMMIT: some are refused there, and some take their time.
  await platform.superuser.script(`
    create function judge() returns trigger language plpgsql as $$
    begin
      if new.title like 'refused%' then raise exception 'not at COMMIT'; end if;
      if new.title like 'slow%' then perform pg_sleep(0.5); end if;
      return null;
    end $$;
    create constraint trigger judged after insert on notes deferrable initially deferred for each row execute function judge()`)
})
afterAll(() => platform.close())
beforeEach(async () => {
  await platform.superuser.script('delete from plinth.background_jobs; delete from notes')
  begun.length = 0
})

const ask = (titles: readonly string[]): Promise<readonly string[]> =>
  platform.plinth.as(platform.principal(), platform.a.slug, (ctx) =>
    Promise.all(titles.map(async (title) => (await ctx.enqueue(write, { title })).id)),
  )

const ends = async (): Promise<readonly unknown[]> => (await platform.rows()).map((row) => row['status'])

test('the next one begins while it waits, and both are done once', async () => {
  const [slow] = await ask(['slow', 'next'])
  await platform.settled()
  expect(begun.map(({ title }) => title)).toEqual(['slow', 'next'])
  expect(begun[1]?.others).not.toContain(slow)
  expect(await ends()).toEqual(['completed', 'completed'])
  expect((await platform.titles()).map(String).toSorted((a, b) => a.localeCompare(b))).toEqual(['next', 'slow'])
})

test('where the COMMIT is refused it has failed, and the one behind it is done', async () => {
  await ask(['refused', 'next', 'refused too', 'last'])
  await platform.settled()
  expect(await ends()).toEqual(['dead', 'completed', 'dead', 'completed'])
  expect((await platform.titles()).map(String).toSorted((a, b) => a.localeCompare(b))).toEqual(['last', 'next'])
})
