import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { csv, flag, httpOrigin, listenAddress, port, postgresUrl, urlPrefix, word } from './value-schemas.ts'

const accepts = (schema: z.ZodType, ...texts: unknown[]) => {
  for (const text of texts) expect([text, schema.safeParse(text).success]).toEqual([text, true])
}
const refuses = (schema: z.ZodType, ...texts: unknown[]) => {
  for (const text of texts) expect([text, schema.safeParse(text).success]).toEqual([text, false])
}

describe('csv', () => {
  test('takes one text, a list of texts, JSON and an array', () => {
    const list = ['https://a.example', 'https://b.example']
    for (const given of [
      'https://a.example, https://b.example,',
      ' ,https://a.example,,https://b.example',
      JSON.stringify(list),
      list,
    ]) {
      expect(csv().parse(given)).toEqual(list)
    }
    expect(csv().parse('*')).toEqual(['*'])
    expect(csv().parse(',')).toEqual([])
  })

  test('judges and converts each entry', () => {
    expect(csv(z.coerce.number().int()).parse('1,2')).toEqual([1, 2])
    expect(csv(z.url()).safeParse('https://a.example,b').error?.issues).toMatchObject([{ path: [1] }])
  })

  test('refuses what only looks like JSON without quoting it', () => {
    expect(csv().safeParse('["hunter2",').error?.issues[0]?.message).not.toContain('hunter2')
    refuses(csv(), 5, null, { a: 1 }, '[1]')
  })

  test('reads back what was joined', () => {
    const entry = fc
      .string({ minLength: 1 })
      .filter((text) => text.trim() === text && !text.includes(',') && !text.startsWith('['))
    fc.assert(
      fc.property(fc.array(entry), (list) => {
        expect(csv().parse(list.join(','))).toEqual(list)
      }),
    )
  })
})

test('flag knows six words and nothing else', () => {
  for (const text of ['true', 'TRUE', '1', 'yes', true]) expect(flag().parse(text)).toBe(true)
  for (const text of ['false', 'False', '0', 'no', false]) expect(flag().parse(text)).toBe(false)
  refuses(flag(), 'off', 'on', 'y', '', '2', 'null', 1, null, undefined)
})

test('port takes digits', () => {
  expect(port().parse('8000')).toBe(8000)
  accepts(port(), '0', '65535', 8000)
  refuses(port(), '65536', '-1', '0x1F40', '8e3', '80.0', '80a', '', ' ', 1.5, Number.NaN, null)
})

test('word in any case', () => {
  expect(word(['debug', 'info']).parse('INFO')).toBe('info')
  refuses(word(['debug', 'info']), 'warning', '')
})

test('postgresUrl', () => {
  accepts(postgresUrl(), 'postgres://u:p@h/db', 'postgresql://u@h1:5432,h2:5432/db', 'postgres:///db?host=/var/run')
  refuses(
    postgresUrl(),
    'mysql://h/db',
    'h:5432/db',
    'postgres://',
    'postgres://h/a b',
    'postgresql+asyncpg://u:p@h/db',
  )
  expect(postgresUrl().safeParse('postgresql+asyncpg://u:p@h/db').error?.issues).toHaveLength(1)
})

test('httpOrigin', () => {
  expect(httpOrigin().parse('https://App.example.com/')).toBe('https://app.example.com')
  expect(httpOrigin().parse('http://localhost:8000')).toBe('http://localhost:8000')
  refuses(
    httpOrigin(),
    'app.example.com',
    'ftp://a.example',
    'https://a.example/app',
    'https://u:p@a.example',
    'https://a.example/?x',
    'javascript:alert(1)',
  )
})

test('urlPrefix has one spelling', () => {
  accepts(urlPrefix(), '', '/app', '/a/b-c_d.e~f', '/proxy/8000')
  refuses(
    urlPrefix(),
    'app',
    '/',
    '/app/',
    '//evil.example',
    '/a//b',
    '/a/../b',
    '/./a',
    '/a?b',
    '/a#b',
    '/a b',
    '/%2e',
    '/ä',
    'https://a',
  )
})

test('listenAddress', () => {
  accepts(listenAddress(), '127.0.0.1', '0.0.0.0', '::', '::1', 'fe80::1%eth0', 'localhost', 'db-1.internal')
  refuses(listenAddress(), 'http://localhost', '[::1]', 'a/b', 'localhost:8000', 'a b')
})
