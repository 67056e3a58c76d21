import { randomUUID } from 'node:crypto'
import { on } from '@plinth/core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { jobFailed } from '../src/index.ts'
import { jobPlatform, writeNote, type JobPlatform } from './job-platform.ts'

/* Jobs whose process is gone: nobody is left who could tell of them. */

const heard: string[] = []
const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
let platform: JobPlatform
beforeAll(async () => {
  platform = await jobPlatform(
    [writeNote],
    {},
    { plinth: { handlers: [on(jobFailed, 'hear', (_ctx, { data }) => Promise.resolve(void heard.push(data.id)))] } },
  )
})
afterAll(() => platform.close())

/** As it stands when its process was killed. */
async function killed(attempts: number): Promise<string> {
  const id = randomUUID()
  await platform.superuser.query(
    `insert into plinth.background_jobs (tenant_id, id, type, payload, status, max_attempts, run_at, principal_kind, principal_id, second_factor,
       request_id, traceparent, attempts, lease_until)
     values ($1::uuid, $2::uuid, 'note.write', '{"title":"again"}', 'running', 3, now(), 'service', 'a-full', false, 'request-1', $3::text,
       $4::text::int, now() - interval '1 minute')`,
    [platform.a.id, id, traceparent, String(attempts)],
  )
  return id
}
const linesOf = (event: string, id: string) => platform.log.of(event).filter(({ fields }) => fields['jobId'] === id)
const fields = { job: 'note.write', requestId: 'request-1', traceId: '4bf92f3577b34da6a3ce929d0e0e4736' }

test('of a job that is given back there is a line, and of one that is dead as of every other one', async () => {
  const [again, dead] = [await killed(1), await killed(3)]
  await platform.settled()
  expect(await platform.titles()).toEqual(['again'])
  expect(linesOf('job_given_back', again)).toMatchObject([{ level: 'warn', fields: { ...fields, attempt: 1 } }])
  expect(linesOf('job_given_back', dead)).toEqual([])
  expect(linesOf('job_dead', dead)).toMatchObject([{ level: 'error', fields: { ...fields, attempt: 3 } }])
  await vi.waitFor(() => expect(heard).toEqual([dead]), { timeout: 10_000 })
})

test('one whose event cannot be written keeps no other from being told of, and no job from being run', async () => {
  const poison = await killed(3)
  await platform.superuser.script(`
    create function refuse_poison() returns trigger language plpgsql as
      $$ begin if new.key = 'job:${poison}' then raise exception 'poison'; end if; return new; end $$;
    create trigger refuse_poison before insert on plinth.events for each row execute function refuse_poison()`)
  const others = [await killed(3), await killed(3), await killed(3)]
  await platform.enqueue(writeNote, { title: 'innocent' })
  const left = async (): Promise<readonly unknown[]> =>
    (await platform.rows(`status in ('waiting', 'queued', 'running')`)).map(({ id }) => id)
  await vi.waitFor(async () => expect(await left()).toEqual([poison]), { timeout: 10_000 })
  expect(await platform.titles()).toContain('innocent')
  for (const id of others) expect(linesOf('job_dead', id)).toHaveLength(1)
  expect(linesOf('job_dead', poison)).toEqual([])
  await vi.waitFor(() => expect(linesOf('job_mover_interrupted', poison).length).toBeGreaterThan(0), {
    timeout: 10_000,
  })
  await platform.superuser.script('drop trigger refuse_poison on plinth.events')
  await platform.settled()
  expect(linesOf('job_dead', poison)).toHaveLength(1)
})
