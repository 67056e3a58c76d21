import { composeMail, MailError, type Mail } from '@plinth/core'
import { expect, test } from 'vitest'
import { capturedMail } from './captured-mail.ts'

const mailOf = (to: string, url: string): Mail => ({
  to,
  subject: 'Hello',
  ...composeMail({ productName: 'Lookout', heading: 'Hello', paragraphs: ['Hi.'], action: { label: 'Go', url } }),
})

test('keeps mails and finds the link of the last one to an address', async () => {
  const mail = capturedMail()
  await mail.send(mailOf('ada@example.com', 'https://a.example/?token=1&x=o%27k'))
  await mail.send(mailOf('ada@example.com', "https://a.example/?token=2&x='"))
  await mail.send(mailOf('eve@example.com', 'https://a.example/?token=3'))
  expect(mail.to('ADA@example.com')).toHaveLength(2)
  expect(mail.linkTo('ada@example.com')).toBe('https://a.example/?token=2&x=%27')
  expect(() => mail.linkTo('bob@example.com')).toThrow('eve@example.com: Hello')
  mail.clear()
  expect(mail.mails).toEqual([])
})

test('a link that only one of both bodies has is told', async () => {
  const mail = capturedMail()
  await mail.send({
    to: 'a@example.com',
    subject: 'x',
    text: 'https://a.example/1',
    html: '<a href="https://a.example/2">x</a>',
  })
  await mail.send({ to: 'b@example.com', subject: 'x', text: 'nothing', html: '<p>nothing</p>' })
  expect(() => mail.linkTo('a@example.com')).toThrow('not in its HTML')
  expect(() => mail.linkTo('b@example.com')).toThrow('holds no link')
})

test('waits for a mail that is still to come, and for no other', async () => {
  const mail = capturedMail()
  const second = mail.waitFor('ada@example.com', { count: 2 })
  const first = mail.waitFor('ada@example.com')
  await mail.send(mailOf('eve@example.com', 'https://a.example/0'))
  await mail.send(mailOf('ada@example.com', 'https://a.example/1'))
  expect((await first).text).toContain('https://a.example/1')
  await mail.send(mailOf('ada@example.com', 'https://a.example/2'))
  expect((await second).text).toContain('https://a.example/2')
  expect((await mail.waitFor('ada@example.com', { count: 2 })).text).toContain('https://a.example/2')
  await expect(mail.waitFor('bob@example.com', { patience: 1 })).rejects.toThrow('did not come. Mails: eve@example.com')
})

test('fails when it is told to, and refuses a forged header', async () => {
  const mail = capturedMail()
  mail.failWith(new MailError('down', { temporary: true }))
  await expect(mail.send(mailOf('ada@example.com', 'https://a.example'))).rejects.toThrow('down')
  mail.failWith(undefined)
  await expect(
    mail.send({ ...mailOf('ada@example.com', 'https://a.example'), subject: 'x\nBcc: e@e.example' }),
  ).rejects.toThrow(MailError)
  expect(mail.mails).toEqual([])
})
