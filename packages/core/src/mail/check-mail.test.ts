import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MailError, type Mail } from '../ports/mail.ts'
import { checkMail, isMailAddress } from './check-mail.ts'

const mail: Mail = { to: 'ada@example.com', subject: 'Hello', text: 'Hello', html: '<p>Hello</p>' }
const breaks = ['\r\n', '\n', '\r', '\0', '\u0085', '\u2028', '\u000B']

describe('an address', () => {
  test.each([
    'ada@example.com',
    'a.d-a+tag@mail.example.co.uk',
    "o'hara@example.com",
    'ada@localhost',
    'jörg@münchen.example',
    'почта@пример.example',
    `${'a'.repeat(64)}@example.com`,
  ])('%s is one', (text) => expect(isMailAddress(text)).toBe(true))

  test.each([
    '',
    'ada',
    '@example.com',
    'ada@',
    'ada@example.com, eve@example.com',
    'ada@example.com,eve@example.com',
    'ada@example.com;eve@example.com',
    'ada@example.com eve@example.com',
    'Ada <ada@example.com>',
    '<ada@example.com>',
    'group: ada@example.com;',
    '"a b"@example.com',
    'eve@evil.example(@example.com',
    'ada@[127.0.0.1]',
    'ada@-example.com',
    'ada@example..com',
    '.ada@example.com',
    'a..b@example.com',
    'ada@exam_ple.com',
    `${'a'.repeat(65)}@example.com`,
    `${'ä'.repeat(40)}@example.com`,
    `a@${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}.${'e'.repeat(60)}.${'f'.repeat(20)}`,
    ...breaks.map((mark) => `ada@example.com${mark}Bcc: eve@example.com`),
    ...breaks.map((mark) => `ada${mark}@example.com`),
  ])('%j is none', (text) => expect(isMailAddress(text)).toBe(false))

  test('holds at most one place for a receiver', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ae@.,;<>" :\r\n()]{3,24}$/), (text) => {
        if (isMailAddress(text)) expect(text).toMatch(/^[^\s@,;:<>"()]+@[^\s@,;:<>"()]+$|^[^\s,;:<>"()]+@[^\s@]+$/)
      }),
    )
  })
})

describe('a mail', () => {
  test('that is one is let through', () => {
    expect(() => checkMail(mail)).not.toThrow()
    expect(() =>
      checkMail({ ...mail, toName: 'Ада ❤', headers: { 'List-Unsubscribe': '<https://a.example>' } }),
    ).not.toThrow()
    expect(() => checkMail({ ...mail, text: 'two\r\nlines\n' })).not.toThrow()
  })

  test.each(breaks)('with %j in whatever becomes a header is refused', (mark) => {
    const bad = `x${mark}Bcc: eve@example.com`
    for (const part of [
      { to: bad },
      { toName: bad },
      { subject: bad },
      { headers: { 'X-Note': bad } },
      { headers: { [bad]: 'x' } },
    ])
      expect(() => checkMail({ ...mail, ...part }), JSON.stringify(part)).toThrow(MailError)
  })

  test.each([
    'To',
    'bcc',
    'Content-Type',
    'content-transfer-encoding',
    'Resent-To',
    'DKIM-Signature',
    'X Note',
    'X:Note',
    'Ünote',
    '',
  ])('may not bring the header %j', (name) =>
    expect(() => checkMail({ ...mail, headers: { [name]: 'x' } })).toThrow(MailError),
  )

  test('without a subject or a body, with a NUL in the body or an endless header is refused', () => {
    for (const part of [
      { subject: ' ' },
      { text: '' },
      { html: '\n' },
      { text: 'a\0b' },
      { html: 'a\0b' },
      { subject: 'ä'.repeat(500) },
    ])
      expect(() => checkMail({ ...mail, ...part }), JSON.stringify(part).slice(0, 40)).toThrow(MailError)
  })

  test('is not repeated by the refusal, which is final', () => {
    try {
      checkMail({ ...mail, to: 'secret-person@example.com\n' })
      expect.unreachable()
    } catch (error) {
      expect(MailError.is(error) && error.temporary).toBe(false)
      expect(String(error)).not.toContain('secret-person')
    }
  })
})
