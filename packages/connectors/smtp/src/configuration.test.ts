import { envExample } from '@plinth/core'
import { describe, expect, test } from 'vitest'
import { readSender } from './sender.ts'
import { readServer } from './server-address.ts'
import { smtp } from './smtp.ts'
import { smtpSettings } from './smtp-settings.ts'

describe('SMTP_URL', () => {
  test.each([
    ['smtp://localhost', 'localhost', 587, false, 'optional'],
    ['smtp://127.0.0.1:1025', '127.0.0.1', 1025, false, 'optional'],
    ['smtp://[::1]:1025/', '::1', 1025, false, 'optional'],
    ['smtp://mail:1025', 'mail', 1025, false, 'required'],
    ['smtp://localhost.evil.example', 'localhost.evil.example', 587, false, 'required'],
    ['smtp://mail:1025?starttls=never', 'mail', 1025, false, 'never'],
    ['smtp://localhost?starttls=required', 'localhost', 587, false, 'required'],
    ['smtps://mail.example.com', 'mail.example.com', 465, true, 'required'],
  ])('%s', (text, host, port, secure, startTls) => {
    expect(readServer(text)).toEqual({ host, port, secure, startTls, login: undefined })
  })

  test('holds a login in escapes', () => {
    expect(readServer('smtp://ada%40example.com:p%40ss%3Aw%2Frd%25@mail.example.com')).toMatchObject({
      login: { user: 'ada@example.com', password: 'p@ss:w/rd%' },
    })
  })

  test.each([
    'mail.example.com:587',
    'https://mail.example.com',
    'smtp://',
    'smtp://user@mail.example.com',
    'smtp://user:pa/ss@mail.example.com',
    'smtp://user:s3cret@mail.example.com/box',
    'smtp://user:s3cret@mail.example.com#x',
    'smtp://user:s3cr%et@mail.example.com',
    'smtp://mail.example.com?tls.rejectUnauthorized=false',
    'smtp://mail.example.com?starttls=maybe',
    'smtp://mail.example.com?starttls=never&starttls=required',
    'smtps://mail.example.com?starttls=never',
  ])('%s is none, and is not quoted', (text) => {
    const problem = readServer(text)
    expect(problem).toBeTypeOf('string')
    expect(problem).not.toMatch(/s3cr|mail\.example\.com/)
  })
})

describe('MAIL_FROM', () => {
  test.each([
    ['no-reply@example.com', '', 'no-reply@example.com'],
    ['Acme <no-reply@example.com>', 'Acme', 'no-reply@example.com'],
    ['"Acme, Inc." <no-reply@example.com>', 'Acme, Inc.', 'no-reply@example.com'],
    ['<no-reply@example.com>', '', 'no-reply@example.com'],
  ])('%s', (text, name, address) => expect(readSender(text)).toEqual({ name, address }))

  test.each([
    '',
    'Acme',
    'a@example.com, b@example.com',
    'Acme <a@example.com> <b@example.com>',
    'A\nBcc: e <a@example.com>',
  ])('%j is none', (text) => expect(readSender(text)).toBeTypeOf('string'))
})

describe('without options', () => {
  test('both variables are needed outside of development, and told at once', async () => {
    for (const environment of ['production', 'staging', 'test']) {
      const mailer = smtp({ env: { ENVIRONMENT: environment } })
      expect(mailer.faults?.map(({ path }) => path)).toEqual(['SMTP_URL', 'MAIL_FROM'])
      await expect(mailer.send({ to: 'a@example.com', subject: 'x', text: 'x', html: 'x' })).rejects.toThrow(
        'not configured',
      )
    }
  })

  test('a wrong one is told without its password', () => {
    const env = { SMTP_URL: 'smtp://mailer:s3cret-Value@mail.example.com?x=1', MAIL_FROM: 'Acme' }
    const { faults } = smtp({ env })
    expect(faults?.map(({ path }) => path)).toEqual(['SMTP_URL', 'MAIL_FROM'])
    expect(JSON.stringify(faults)).not.toContain('s3cret')
    const given = smtp({ url: env.SMTP_URL, from: env.MAIL_FROM, env: {} })
    expect(given.faults?.map(({ path }) => path)).toEqual(['smtp({ url })', 'smtp({ from })'])
  })

  test('it is the console in development, until SMTP_URL is set', async () => {
    const mailer = smtp({ env: { ENVIRONMENT: 'development' } })
    expect(mailer.name).toBe('console')
    expect(mailer.faults).toBeUndefined()
    await mailer.verify()
    await mailer.close()
    const half = smtp({ env: { ENVIRONMENT: 'development', SMTP_URL: 'smtp://localhost:1025' } })
    expect(half.faults).toEqual([expect.objectContaining({ path: 'MAIL_FROM' })])
    const whole = smtp({
      env: { ENVIRONMENT: 'development', SMTP_URL: 'smtp://localhost:1025', MAIL_FROM: 'a@example.com' },
    })
    expect(whole.name).toBe('smtp')
  })

  test('the variables are described', () => {
    expect(envExample(smtpSettings)).toMatch(/SMTP_URL=[^]*MAIL_FROM=Acme <no-reply@example\.com>|MAIL_FROM=/)
  })
})
