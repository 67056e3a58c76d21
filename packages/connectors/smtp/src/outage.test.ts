import net from 'node:net'
import { composeMail, MailError, type Mail } from '@plinth/core'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { mailServer, type MailServer } from '../tests/mail-server.ts'
import { smtp, type SmtpMailer } from './smtp.ts'

/* A mail server that is away, comes back, or breaks off: no mail is sent twice, and nobody waits for what is surely down. */

const mail: Mail = {
  to: 'ada@example.com',
  subject: 'Reset',
  ...composeMail({ productName: 'Lookout', heading: 'Reset', paragraphs: ['Hello.'] }),
}
const opened: { close: () => Promise<void> }[] = []
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
})

const keep = <T extends { close: () => Promise<void> }>(one: T): T => {
  opened.push(one)
  return one
}
const mailerTo = (port: number): SmtpMailer =>
  keep(smtp({ url: `smtp://127.0.0.1:${port}`, from: 'no-reply@acme.example', env: {} }))
const said = (work: Promise<void>): Promise<string> =>
  work.then(
    () => 'sent',
    (error: unknown) => (MailError.is(error) ? error.message : `no MailError: ${String(error)}`),
  )

/** A port where nobody listens. */
async function freePort(): Promise<number> {
  const server = await mailServer()
  await server.close()
  return server.port
}

test('a server that is just being started again: the mail is tried again and arrives once', async () => {
  const away = await freePort()
  const server: MailServer = keep(await mailServer())
  // The delays are random and may be next to nothing: a server started between two attempts would come too late now and then.
  const connect = net.connect
  const spy = vi
    .spyOn(net, 'connect')
    .mockImplementationOnce(((options: net.TcpNetConnectOpts) => connect({ ...options, port: away })) as typeof connect)
  onTestFinished(() => spy.mockRestore())
  const mailer = mailerTo(server.port)
  await mailer.send(mail)
  expect(mailer.resilience?.[0]?.counts).toMatchObject({ succeeded: 1, retried: 1 })
  expect(server.mails).toHaveLength(1)
})

test('what broke off after the mail was sent may have arrived, and is sent by nobody again', async () => {
  let taken = 0
  const server: MailServer = keep(
    await mailServer({
      onData(stream, _session, callback) {
        stream.on('end', () => {
          taken += 1
          server.cut()
          callback()
        })
        stream.resume()
      },
    }),
  )
  const mailer = mailerTo(server.port)
  expect(await said(mailer.send(mail))).toContain('hung up')
  expect(taken).toBe(1)
  expect(mailer.resilience?.[0]?.counts).toMatchObject({ failed: 1, retried: 0 })
})

test('after five failures in a row it is left alone, and tells so at once', async () => {
  const server = keep(await mailServer({ onConnect: (_session, callback) => callback(new Error('full')) }))
  const mailer = mailerTo(server.port)
  for (let at = 0; at < 5; at += 1) expect(await said(mailer.send(mail))).toContain('full')
  const connections = server.connections()
  for (let at = 0; at < 20; at += 1) expect(await said(mailer.send(mail))).toContain('is not asked for the moment')
  expect(server.connections()).toBe(connections)
  expect(mailer.resilience?.[0]?.circuit).toBe('open')
})

test('mails that are refused with good reason are no sign of a server that is down', async () => {
  const server = keep(
    await mailServer({
      onRcptTo: (_address, _session, callback) =>
        callback(Object.assign(new Error('No such user'), { responseCode: 550 })),
    }),
  )
  const mailer = mailerTo(server.port)
  for (let at = 0; at < 10; at += 1) expect(await said(mailer.send(mail))).toContain('550')
  expect(mailer.resilience?.[0]?.circuit).toBe('closed')
})

test('its health is whether a login goes through', async () => {
  const server = await mailServer()
  const [check] = mailerTo(server.port).checks ?? []
  await check?.check(AbortSignal.timeout(5_000))
  await server.close()
  await expect(check?.check(AbortSignal.timeout(5_000))).rejects.toThrow('cannot be reached')
})
