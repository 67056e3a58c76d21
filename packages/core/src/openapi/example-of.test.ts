import { expect, test } from 'vitest'
import { z } from 'zod'
import { exampleOf } from './example-of.ts'

test.each([
  [
    'what must be given',
    z.object({ reason: z.string().min(3), note: z.string().optional() }),
    { reason: 'Example reason' },
  ],
  ['everything where nothing must be', z.object({ note: z.string().optional() }), { note: 'Example note' }],
  [
    'formats, words, bounds',
    z.object({
      email: z.email(),
      id: z.uuid(),
      at: z.iso.datetime(),
      url: z.url(),
      level: z.enum(['low', 'high']),
      kind: z.literal('push'),
      seconds: z.int().min(30).max(60),
      share: z.number().gt(0).lt(0.5),
      odd: z.number().multipleOf(5).min(7),
      code: z.string().regex(/^\d{6}$/),
      slug: z.string().regex(/^[a-z]+$/),
      long: z.string().min(40),
      on: z.boolean(),
    }),
    {
      email: 'person@example.com',
      id: '01941f29-7c00-7aaa-8bbb-0123456789ab',
      at: '2026-01-31T12:00:00.000Z',
      url: 'https://example.com',
      level: 'low',
      kind: 'push',
      seconds: 30,
      share: expect.any(Number) as number,
      odd: 10,
      code: '123456',
      slug: 'example',
      long: expect.stringMatching(/^.{40}$/) as string,
      on: true,
    },
  ],
  [
    'lists, choices, nulls',
    z.object({ ids: z.array(z.int()).min(2), one: z.union([z.null(), z.string()]) }),
    { ids: [1, 1], one: 'Example one' },
  ],
  [
    'a discriminated union',
    z.discriminatedUnion('type', [z.object({ type: z.literal('a'), x: z.int() })]),
    { type: 'a', x: 1 },
  ],
  ['defaults', z.object({ size: z.int().default(7), name: z.string() }), { name: 'Example name' }],
  ['what its author wrote', z.object({ token: z.string().meta({ examples: ['abc'] }) }), { token: 'abc' }],
])('%s', (_words, schema, expected) => {
  const example = exampleOf(schema, 'input')
  expect(example).toEqual(expected)
  expect(schema.safeParse(example).success).toBe(true)
})

test('what its author wrote of the whole', () => {
  expect(exampleOf(z.object({ a: z.string() }).meta({ examples: [{ a: 'mine' }] }), 'input')).toEqual({ a: 'mine' })
})

test('an output has all its members', () => {
  const schema = z.object({ score: z.number(), words: z.string().optional(), size: z.int().default(7) })
  expect(exampleOf(schema, 'output')).toEqual({ score: 1, words: 'Example words', size: 7 })
})

test('no example rather than a wrong one', () => {
  expect(exampleOf(z.object({ code: z.string().regex(/^[A-Z]{3}-\d+$/) }), 'input')).toBeUndefined()
  expect(
    exampleOf(
      z.object({ a: z.int() }).refine(({ a }) => a > 1e6),
      'input',
    ),
  ).toBeUndefined()
  expect(
    exampleOf(
      z.string().refine((text) => Promise.resolve(text !== '')),
      'input',
    ),
  ).toBeUndefined()
})

test('a schema that contains itself ends', () => {
  interface Tree {
    name: string
    children: Tree[]
  }
  const tree: z.ZodType<Tree> = z.object({
    name: z.string(),
    get children() {
      return z.array(tree)
    },
  })
  expect(exampleOf(tree, 'input')).toMatchObject({ name: 'Example name', children: [{ name: 'Example name' }] })
})
