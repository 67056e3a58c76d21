import { describe, expect, test } from 'vitest'
import { faultOfUrl } from './url-rule.ts'

describe('webhooks go to', () => {
  test.each([
    'https://hooks.example.com',
    'https://hooks.example.com:8443/a/b?token=x&y=%20',
    'https://8.8.8.8/x',
    'https://[2606:4700::1111]/x',
    'https://bücher.example/x',
    'https://example.com/a@b',
  ])('%s', (url) => expect(faultOfUrl(url, [])).toBeUndefined())
})

/** Ways to write what is inside, and what is no URL of a webhook at all. */
const refused = [
  'http://hooks.example.com',
  'ftp://hooks.example.com',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'gopher://127.0.0.1:6379/_x',
  'hooks.example.com',
  '//hooks.example.com',
  '',
  'https://',
  'https://user@hooks.example.com',
  'https://user:password@hooks.example.com',
  'https://@hooks.example.com',
  'https://:@hooks.example.com',
  'https://example.com@127.0.0.1/',
  'https://127.0.0.1#@example.com/',
  'https://hooks.example.com/#fragment',
  'https://hooks.example.com\\@127.0.0.1/',
  'https:\\\\127.0.0.1/',
  'https://hooks.example.com/a b',
  'https://hooks.exa\tmple.com/',
  'https://hooks.example.com/\r\nx-evil: 1',
  'https://hooks.example.com/\u0000',
  ' https://hooks.example.com',
  'https://localhost',
  'https://LOCALHOST.',
  'https://a.localhost/',
  'https://intranet',
  'https://printer.local',
  'https://db.internal',
  'https://x.corp',
  'https://router.lan',
  'https://nas.home.arpa',
  'https://127.0.0.1',
  'https://127.1',
  'https://127.0.1',
  'https://2130706433',
  'https://0x7f000001',
  'https://0x7f.0.0.1',
  'https://0177.0.0.1',
  'https://017700000001',
  'https://127.0.0.1.',
  'https://１２７.0.0.1',
  'https://①②⑦.0.0.1',
  'https://0.0.0.0',
  'https://0',
  'https://10.0.0.1',
  'https://100.64.0.1',
  'https://169.254.169.254/latest/meta-data',
  'https://[fd00:ec2::254]/latest/meta-data',
  'https://172.16.0.1',
  'https://172.31.255.255',
  'https://192.168.1.1',
  'https://192.0.0.192',
  'https://198.18.0.1',
  'https://224.0.0.1',
  'https://255.255.255.255',
  'https://[::1]',
  'https://[::]',
  'https://[0:0:0:0:0:0:0:1]',
  'https://[::ffff:127.0.0.1]',
  'https://[::ffff:7f00:1]',
  'https://[::127.0.0.1]',
  'https://[64:ff9b::7f00:1]',
  'https://[2002:7f00:1::]',
  'https://[2001::7f00:1]',
  'https://[fe80::1]',
  'https://[fe80::1%25eth0]',
  'https://[fc00::1]',
  'https://[ff02::1]',
  'https://[2001:db8::1]',
]

describe('and not to', () => {
  test('more than sixty targets are tried', () => expect(refused.length).toBeGreaterThan(60))
  test.each(refused.map((url) => [url]))('%j', (url) => expect(faultOfUrl(url, [])).toEqual(expect.any(String)))
})

describe('where the operator lists a host', () => {
  const listed = ['localhost', '127.0.0.1:9000', 'hooks.intra.example', '[::1]:8080', 'plain.example.com:80']

  test.each([
    'http://localhost/x',
    'https://localhost:1234',
    'http://127.0.0.1:9000/hook',
    'http://hooks.intra.example:81',
    'http://[::1]:8080/x',
    'http://plain.example.com/x',
  ])('%s is allowed', (url) => expect(faultOfUrl(url, listed)).toBeUndefined())

  test.each([
    'http://127.0.0.1/x',
    'http://127.0.0.1:9001/x',
    'http://[::1]/x',
    'http://plain.example.com:8080/x',
    'http://user@localhost/x',
    'ftp://localhost/x',
    'http://sub.localhost/x',
    'http://hooks.intra.example.evil.com',
  ])('%s is not', (url) => expect(faultOfUrl(url, listed)).toEqual(expect.any(String)))
})
