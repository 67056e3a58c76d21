import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../testing/src/server/databases.ts'
import type { Driver } from './driver.ts'
import { postgresJsDriver } from './postgres-js.ts'

let database: TestDatabase
let driver: Driver

beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'))
  driver = postgresJsDriver(database.url, {
    max: 1,
    applicationName: 'plinth-test',
    prepare: true,
    statementTimeoutMs: 10_000,
    connectTimeoutSeconds: 10,
  })
})
afterAll(async () => {
  await driver.close()
  await database.drop()
})

const run = (text: string, value: string): Promise<readonly unknown[]> =>
  driver.query(text, [value], { prepare: true }).then((rows) => rows.map((row) => row['v']))
const kept = async (mark: string): Promise<unknown> =>
  (
    await driver.query('select count(*)::int as n from pg_prepared_statements where strpos(statement, $1::text) > 0', [
      mark,
    ])
  )[0]?.['n']

test('a text that several send at once, on one connection, is prepared once', async () => {
  const text = 'select 7 / $1::int as v /* at once */'
  expect(await Promise.all([1, 7, 1, 7, 1, 7].map((value) => run(text, `${value}`)))).toEqual(
    [7, 1, 7, 1, 7, 1].map((value) => [value]),
  )
  expect(await kept('at once')).toBe(1)
})

test('where the first of them fails, the others go on, and it is prepared once all the same', async () => {
  const text = 'select 7 / $1::int as v /* the first fails */'
  const answers = await Promise.allSettled(['0', '1', '7', 'no number', '1'].map((value) => run(text, value)))
  expect(answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : 'refused'))).toEqual([
    'refused',
    [7],
    [1],
    'refused',
    [7],
  ])
  expect(await kept('the first fails')).toBe(1)
})

test('a text that cannot be prepared is refused to everybody', async () => {
  const answers = await Promise.allSettled(['1', '2', '3'].map((value) => run('select nothing_of_the_kind($1)', value)))
  expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  expect(await run('select $1::text as v', 'and the connection serves')).toEqual(['and the connection serves'])
})
