import fc from 'fast-check'
import { expect, test } from 'vitest'
import { slugOf } from './slug.ts'

test('a slug is in the likeness of the name', () => {
  expect(['Café Olé GmbH', 'Straße 7', '  --A--  ', '東京', '', 'Ω'].map(slugOf)).toEqual([
    'cafe-ole-gmbh',
    'strasse-7',
    'a',
    'team',
    'team',
    'team',
  ])
})

test('whatever the name, the database takes the slug, with what is hung on it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (name) => {
      for (const slug of [slugOf(name), `${slugOf(name)}-0123abcd`]) {
        expect(slug).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/)
        expect(slug).not.toMatch(/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/)
      }
    }),
  )
})
