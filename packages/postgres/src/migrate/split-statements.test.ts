import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { firstLine, splitStatements } from './split-statements.ts'

test.each([
  ['select 1; select 2', ['select 1', 'select 2']],
  ['select 1;', ['select 1']],
  ['', []],
  ['-- only; words\n/* and; /* nested; */ more; */', []],
  [`select ';', "a;b", E'\\';', 'it''s;'; select 2`, [`select ';', "a;b", E'\\';', 'it''s;'`, 'select 2']],
  ["-- it's\nselect 1; select 2", ["-- it's\nselect 1", 'select 2']],
  [
    'create function f() returns int language sql as $$ select 1; $$; select 2',
    ['create function f() returns int language sql as $$ select 1; $$', 'select 2'],
  ],
  [
    'do $body$ begin perform $$;$$; end $body$; select $1; select a$b$c; select 3',
    ['do $body$ begin perform $$;$$; end $body$', 'select $1', 'select a$b$c', 'select 3'],
  ],
  [
    'create function f() returns int begin atomic select case when true then 1 else 2 end; select 2; end; select 3',
    ['create function f() returns int begin atomic select case when true then 1 else 2 end; select 2; end', 'select 3'],
  ],
  ['begin; select case when 1 = 1 then 2 end; commit', ['begin', 'select case when 1 = 1 then 2 end', 'commit']],
])('splits %j', (sql, statements) => expect(splitStatements(sql)).toEqual(statements))

test('every statement of the platform stands alone', () => {
  const statements = splitStatements(
    readFileSync(new URL('../../migrations/0001_platform.sql', import.meta.url), 'utf8'),
  )
  expect(statements.length).toBeGreaterThan(50)
  for (const statement of statements) expect(firstLine(statement)).toMatch(/^(create|alter|grant|revoke|comment|set) /)
})

test('the first line says something', () => {
  expect(firstLine('-- why\n\n  create table x (\n a int)')).toBe('create table x (')
  expect(firstLine(`select '${'x'.repeat(200)}'`)).toHaveLength(101)
})
