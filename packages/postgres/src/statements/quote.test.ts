import fc from 'fast-check'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { openServer, type Opened } from '../../tests/fixture.ts'
import { arrayLiteral, identifier, literal } from './quote.ts'

let opened: Opened
beforeAll(async () => {
  opened = await openServer(inject('postgresUrl'))
})
afterAll(() => opened.close())

/** Any text that PostgreSQL can hold, and those that have a meaning of their own in an array more often than chance would. */
const texts = fc.oneof(
  fc.constantFrom(
    'NULL',
    'null',
    '',
    ' ',
    '"',
    '\\',
    '{}',
    '{',
    '}',
    ',',
    "'",
    "''",
    '\\"',
    '\n',
    '\t',
    '😀',
    '\uffff',
    "'; drop table x --",
    '$1',
  ),
  fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '').toWellFormed()),
)

test('an array literal is read back as the texts it was made of (500 random arrays)', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(texts)), async (values) => {
      const [row] = await opened.drivers.app.query('select to_json($1::text::text[])::text as back', [
        arrayLiteral(values),
      ])
      expect(JSON.parse(String(row?.['back']))).toEqual(values)
    }),
    { numRuns: 500 },
  )
})

test('a literal and an identifier are read back as the text they were made of (500 random texts), whatever standard_conforming_strings is', async () => {
  await fc.assert(
    fc.asyncProperty(texts, fc.boolean(), async (text, conforming) => {
      const setting = conforming ? 'on' : 'off'
      // The setting is read when a text is parsed, so it is set in a statement of its own.
      const back = await opened.drivers.app.transaction(async (connection) => {
        await connection.query(`select set_config('standard_conforming_strings', '${setting}', true)`)
        const [row] = await connection.query(`select ${literal(text)}::text as back`)
        return row?.['back']
      })
      expect(back).toBe(text)
      const name = `x${Array.from(text).slice(0, 12).join('')}`
      const [row] = await opened.drivers.app.query(`select 1 as ${identifier(name)}`)
      expect(Object.keys(row ?? {})).toEqual([name])
    }),
    { numRuns: 500 },
  )
})
