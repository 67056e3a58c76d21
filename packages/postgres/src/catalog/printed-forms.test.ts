import { describe, expect, test } from 'vitest'
import { printedName, sameType } from './column-type.ts'
import { sameExpression } from './same-expression.ts'

describe('types', () => {
  test.each([
    ['text', 'text'],
    ['varchar(255)', 'character varying(255)'],
    ['varchar', 'character varying'],
    ['char', 'character(1)'],
    ['char(3)', 'character(3)'],
    ['numeric', 'numeric'],
    ['numeric(10)', 'numeric(10,0)'],
    ['numeric(10, 2)', 'numeric(10,2)'],
    ['timestamp', 'timestamp without time zone'],
    ['timestamp with time zone', 'timestamp with time zone'],
    ['timestamp (3) with time zone', 'timestamp(3) with time zone'],
    ['timestamp (3)', 'timestamp(3) without time zone'],
    ['timestamptz', 'timestamp with time zone'],
    ['time(2)', 'time(2) without time zone'],
    ['double precision', 'double precision'],
    ['int8', 'bigint'],
    ['integer[]', 'integer[]'],
    ['integer[3]', 'integer[]'],
    ['bool', 'boolean'],
    ['vector(3)', 'vector(3)'],
    ['Odd Type', 'odd type'],
  ])('%s is printed %s', (declared, printed) => expect(printedName(declared)).toBe(printed))

  test('quotes make no difference', () => {
    expect(sameType('public."Mood"', 'public.Mood')).toBe(true)
    expect(sameType('public.mood', 'other.mood')).toBe(false)
  })
})

describe('expressions', () => {
  test.each([
    ["'draft'::text", "'draft'::text"],
    ["'x'::character varying", "'x'::varchar(20)"],
    ["'-5'::integer", '-5'],
    ['((count > 0))', '"count" > 0'],
    ["(status = ANY (ARRAY['a'::text, 'b'::text]))", `"status" in ('a','b')`],
    ['(deleted_at IS NULL)', '"deleted_at" is null'],
    ['btree (tenant_id, created_at DESC, id DESC)', 'btree ("tenant_id", "created_at" desc, "id" desc)'],
    ["'a \\ b'::text", "E'a \\\\ b'::text"],
    ['now()', 'NOW ( )'],
  ])('%s is %s', (live, declared) => expect(sameExpression(live, declared)).toBe(true))

  test.each([
    ["'draft'", "'Draft'"],
    ["'a b'", "'ab'"],
    ['(a OR b) AND c', 'a OR (b AND c)'],
    ['"Count" > 0', 'count > 0'],
    ["'it''s'", "'it'"],
    ['count > 0', 'count >= 0'],
    ["status = ANY (ARRAY['a', 'b'])", "status in ('a')"],
    ["'a\\'", "'a'"],
  ])('%s is not surely %s', (live, declared) => expect(sameExpression(live, declared)).toBe(false))
})
