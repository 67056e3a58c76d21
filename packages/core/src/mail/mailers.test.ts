import { describe, expect, test } from 'vitest'
import { MailError, type Mail, type Mailer } from '../ports/mail.ts'
import { consoleMailer } from './console-mailer.ts'
import { mailerFor } from './mailer-for.ts'

const mail: Mail = {
  to: 'ada@example.com',
  toName: 'Ada',
  subject: 'Hello',
  text: 'One\n\nhttps://a.example/x?token=1\n',
  html: '<p>One</p>',
}

describe('the console', () => {
  test('prints to whom, what about, and the text with its link', async () => {
    const printed: string[] = []
    await consoleMailer({ print: (text) => printed.push(text) }).send(mail)
    expect(printed).toEqual([
      '┌ mail to Ada <ada@example.com>\n│ Hello\n│\n│ One\n│\n│ https://a.example/x?token=1\n└\n',
    ])
  })

  test('passes no escape sequence on to the terminal, and refuses what every mailer refuses', async () => {
    const printed: string[] = []
    const mailer = consoleMailer({ print: (text) => printed.push(text) })
    await mailer.send({ ...mail, text: 'a\u001B[2Jb\rc\u009Bd' })
    // oxlint-disable-next-line no-control-regex
    expect(printed.join('')).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F]/)
    await expect(mailer.send({ ...mail, subject: 'a\nBcc: eve@example.com' })).rejects.toThrow(MailError)
    expect(printed).toHaveLength(1)
  })
})

describe('the mailer of a feature', () => {
  const given: Mailer = { name: 'own', send: () => Promise.resolve() }

  test('is the one that it was given', () => {
    for (const environment of ['development', 'test', 'staging', 'production'])
      expect(mailerFor(environment, given, 'auth.mailer')).toBe(given)
  })

  test('is the console in development, where it was given none', () => {
    const mailer = mailerFor('development', undefined, 'auth.mailer')
    expect(mailer.name).toBe('console')
    expect(mailer.faults ?? []).toEqual([])
  })

  test.each(['test', 'staging', 'production', 'anything'])(
    'has a fault in %s where it is missing or the console',
    async (environment) => {
      for (const bad of [undefined, consoleMailer()]) {
        const mailer = mailerFor(environment, bad, 'auth.mailer')
        expect(mailer.faults).toEqual([
          {
            path: 'auth.mailer',
            problem: expect.any(String) as string,
            fix: expect.stringContaining('SMTP_URL') as string,
          },
        ])
        await expect(mailer.send(mail)).rejects.toThrow(MailError)
      }
    },
  )
})
