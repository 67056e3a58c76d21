import { expect, test } from 'vitest'
import { emptyRegistry } from '../../tests/migration-fixture.ts'
import { shippedMigrations } from './shipped-migrations.ts'

// Two of one number run in the order of their names: who writes the next one believes in the order in which they were written.
test('no two migrations of the platform bear one number', async () => {
  const numbers = (await shippedMigrations(emptyRegistry)).map(({ id }) => id.slice(0, 4))
  expect(numbers.every((number) => /^\d{4}$/.test(number))).toBe(true)
  expect(numbers.filter((number, at) => numbers.indexOf(number) !== at)).toEqual([])
})
