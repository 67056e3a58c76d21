import { expect, test } from 'vitest'
import { isOwnable } from './domain-name.ts'

test('a domain that is somebody’s alone', () => {
  for (const domain of [
    'acme.com',
    'acme.co.uk',
    'mail.acme.io',
    'xn--mnchen-3ya.de',
    'a-b.example.com',
    'co.acme.com',
  ])
    expect(isOwnable(domain), domain).toBe(true)
})

test('and what is everybody’s, nobody’s, or no domain', () => {
  for (const domain of [
    'gmail.com',
    'co.uk',
    'com.br',
    'github.io',
    'com',
    'localhost',
    'acme.local',
    'acme.test',
    'example',
    '1.2.3.4',
    'acme..com',
    '-acme.com',
    'acme.com.',
    'ACME.com',
    'münchen.de',
    `${'a'.repeat(64)}.com`,
    `${'a.'.repeat(130)}com`,
    'acme.com/x',
    '',
  ])
    expect(isOwnable(domain), domain).toBe(false)
})
