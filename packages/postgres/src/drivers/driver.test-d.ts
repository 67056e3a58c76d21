import { expectTypeOf, test } from 'vitest'
import type { Connection, Driver, Parameter, RawRow } from './driver.ts'
import type { SingleConnection } from './single-connection.ts'

declare const driver: Driver

test('undefined is no parameter: the client would refuse it at run time, or send null for a forgotten value', () => {
  // @ts-expect-error undefined
  void driver.query('select $1::text', [undefined])
  // @ts-expect-error a Date has no one text
  void driver.query('select $1::text', [new Date()])
  // @ts-expect-error an object is not json until someone prints it
  void driver.query('select $1::text::jsonb', [{}])
  // @ts-expect-error a bigint is written as text
  void driver.query('select $1::int8', [1n])
  void driver.query('select $1::text', ['a', 1, true, null])
  expectTypeOf<Parameter>().toEqualTypeOf<string | number | boolean | null>()
})

test('a transaction has neither scripts nor transactions inside', () => {
  expectTypeOf<Connection>().toHaveProperty('query')
  expectTypeOf<keyof Connection>().toEqualTypeOf<'query'>()
})

test('rows are readonly and not any', () => {
  expectTypeOf<Driver['query']>().returns.resolves.toEqualTypeOf<readonly RawRow[]>()
  expectTypeOf<SingleConnection['run']>().returns.resolves.toEqualTypeOf<readonly RawRow[]>()
})
