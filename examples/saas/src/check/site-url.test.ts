import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { faultOfSiteUrl, monitorPath, siteUrl, watchedUrl } from './site-url.ts'

test.each([
  ['https://client.example', 'no fault'],
  ['http://client.example:8080/shop', 'no fault'],
  ['client.example', 'Must be a whole URL'],
  ['//client.example', 'Must be a whole URL'],
  ['ftp://client.example', 'Must begin with'],
  ['javascript:alert(1)', 'Must begin with'],
  ['file:///etc/passwd', 'Must begin with'],
  ['https://admin:pass@client.example', 'user name'],
  ['https://client.example\t/', 'spaces'],
  ['https:\\\\client.example', 'spaces or backslashes'],
  ['https://client.example/?a=b', 'before ?'],
  ['https://client.example/#top', 'before ?'],
  ['http://169.254.169.254/latest/meta-data', 'public address'],
  ['http://0x7f.1/', 'public address'],
  ['http://localhost:8000', 'public address'],
])('%s: %s', (url, fault) => {
  expect(faultOfSiteUrl(url, false) ?? 'no fault').toContain(fault)
})

test('private addresses are fine where they are allowed, and nothing else', () => {
  expect(faultOfSiteUrl('http://127.0.0.1:8000/demo', true)).toBeUndefined()
  expect(faultOfSiteUrl('ftp://127.0.0.1', true)).toContain('Must begin with')
})

test('the schema says where and why', () => {
  const schema = siteUrl(false)(z.string())
  expect(schema.safeParse('https://client.example').success).toBe(true)
  expect(schema.safeParse('http://10.0.0.1').error?.issues).toEqual([
    expect.objectContaining({ message: expect.stringContaining('public address') }),
  ])
  expect(schema.safeParse(`https://client.example/${'a'.repeat(2_000)}`).success).toBe(false)
})

describe('a path never leaves the host of its site', () => {
  const schema = monitorPath(z.string())

  test.each(['', 'shop', '.evil.example', '@evil.example', ' /', '/a b', '/a\n', '/ä'])('%j is refused', (path) =>
    expect(schema.safeParse(path).success).toBe(false),
  )

  test.each([
    '/',
    '//evil.example/',
    '/@evil.example',
    '/..//evil.example',
    '/:80@evil.example',
    '/a%20b?c=d',
    '/\\evil.example',
  ])('%j is a path', (path) => {
    expect(schema.safeParse(path).success).toBe(true)
    const sites = ['https://client.example', 'https://client.example/', 'https://client.example/shop']
    expect(sites.map((site) => watchedUrl(site, path).host)).toEqual(sites.map(() => 'client.example'))
  })

  test('is put behind the URL of the site', () => {
    expect(watchedUrl('https://client.example/shop/', '/cart?x=1').href).toBe('https://client.example/shop/cart?x=1')
    expect(watchedUrl('https://client.example', '/').href).toBe('https://client.example/')
  })
})
